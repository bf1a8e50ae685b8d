# Rack::Attack in front of an app that always answers, with the store that the argument names, over one Redis server.
require "rack/mock"
require "redis"
require "active_support"
require "active_support/cache"
require "rack/attack"
require_relative "takes"

url = setting("REDIS").split(",").first
capacity = setting("CAPACITY").to_i
period = setting("FILL_MS").to_i / 1000
abort '{"error": "Rack::Attack takes whole seconds"}' if period * 1000 != setting("FILL_MS").to_i

Rack::Attack.cache.prefix = setting("PREFIX")
Rack::Attack.cache.store =
  ARGV[0] == "redis" ? Redis.new(url: url) : ActiveSupport::Cache::RedisCacheStore.new(url: url)
Rack::Attack.throttle("audit", limit: capacity, period: period) { |request| request.get_header("HTTP_USER") }
app = Rack::Attack.new(->(_) { [200, {}, ["ok"]] })

answer_takes do |user, cost|
  raise "Rack::Attack counts requests: a cost is 1" if cost != 1
  status, = app.call(Rack::MockRequest.env_for("/", "HTTP_USER" => user))
  raise "status #{status}" unless [200, 429].include?(status)
  status == 200
end
