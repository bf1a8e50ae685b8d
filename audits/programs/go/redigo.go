// A fixed window by a script over redigo, which knows no cluster: the program follows MOVED itself.
package main

import (
	"os"
	"strings"
	"sync"

	"github.com/gomodule/redigo/redis"
)

var urls = strings.Split(os.Getenv("OPENCLAW_RL_REDIS"), ",")
var script = redis.NewScript(1, `
  redis.call('SET', KEYS[1], 0, 'PX', ARGV[2], 'NX')
  return { redis.call('INCRBY', KEYS[1], ARGV[1]) <= tonumber(ARGV[3]) and 1 or 0 }`)
var pools, homes sync.Map // by URL; the URL of each key's node, once it was named

func poolOf(url string) *redis.Pool {
	dial := func() (redis.Conn, error) { return redis.DialURL(url) }
	pool, _ := pools.LoadOrStore(url, &redis.Pool{MaxActive: 50, MaxIdle: 50, Wait: true, Dial: dial})
	return pool.(*redis.Pool)
}

func takeByScript(key string, cost int) (bool, error) {
	url, _ := homes.LoadOrStore(key, urls[0])
	conn := poolOf(url.(string)).Get()
	defer conn.Close()
	allowed, err := redis.Ints(script.Do(conn, key, cost, numberOf("FILL_MS"), numberOf("CAPACITY")))
	if err == nil {
		return allowed[0] == 1, nil
	}
	homes.Delete(key)
	if moved := strings.Fields(err.Error()); moved[0] == "MOVED" {
		homes.Store(key, "redis://"+moved[2])
		return takeByScript(key, cost)
	}
	return false, err
}

func main() {
	prefix := os.Getenv("OPENCLAW_RL_PREFIX")
	answerTakes(func(user string, cost int) (bool, error) {
		return takeByScript(prefix+":"+user, cost)
	})
}
