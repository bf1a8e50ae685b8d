# nginx with limit_req in front of a file, asked over HTTP.
import os
from pathlib import Path

from served import serve
from takes import CAPACITY, FILL_MS

# Whole requests a second, or a minute.
rate = f"{CAPACITY * 1000 // FILL_MS}r/s" if CAPACITY * 1000 % FILL_MS == 0 else f"{CAPACITY * 60_000 // FILL_MS}r/m"


def config(folder, path):
    Path(folder, "index.html").write_text("ok\n")
    os.chmod(folder, 0o755)  # its workers are of another user
    return f"""
        daemon off;
        error_log stderr crit;
        pid {folder}/nginx.pid;
        worker_processes 2;
        events {{ worker_connections 512; }}
        http {{
          access_log off;
          keepalive_requests 1000000;
          limit_req_zone $http_x_user zone=users:10m rate={rate};
          limit_req_status 429;
          server {{
            listen unix:{path};
            location / {{
              root {folder};
              limit_req zone=users burst={CAPACITY - 1} nodelay;
            }}
          }}
        }}
    """


serve(lambda file: ["/usr/sbin/nginx", "-c", file], config)
