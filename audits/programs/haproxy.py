# HAProxy with a stick table of request rates, which its peers in the other regions push to each other.
import os
import zlib

from served import serve
from takes import CAPACITY, FILL_MS, PREFIX

REGIONS = ["us-east", "eu-west", "ap-south"]
region = os.environ["OPENCLAW_RL_REGION"]
run = zlib.crc32(PREFIX.encode())  # of the services of one run alone


def address_of(index):
    return f"127.{200 + run % 54}.{1 + run // 54 % 254}.{1 + index}:10000"


def config(folder, path):
    peers = "\n".join(f"peer {name} {address_of(i)}" for i, name in enumerate(REGIONS))
    return f"""
global
  localpeer {region}
  maxconn 1000
defaults
  mode http
  timeout client 1m
  timeout server 1m
  timeout connect 5s
peers regions
{peers}
  table users type string len 64 size 100k expire {2 * FILL_MS}ms store http_req_rate({FILL_MS}ms)
frontend audited
  bind unix@{path}
  http-request track-sc0 req.hdr(x-user) table regions/users
  http-request deny deny_status 429 if {{ sc_http_req_rate(0) gt {CAPACITY} }}
  http-request return status 200 content-type text/plain string ok
"""


serve(lambda file: ["/usr/sbin/haproxy", "-db", "-q", "-f", file], config)
