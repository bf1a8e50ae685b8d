<?php
// Symfony's RateLimiter with the policy that the argument names: its storage is a cache over Redis, and its lock is in the
// same Redis.

use Symfony\Component\Cache\Adapter\RedisAdapter;
use Symfony\Component\Lock\LockFactory;
use Symfony\Component\Lock\Store\RedisStore;
use Symfony\Component\RateLimiter\RateLimiterFactory;
use Symfony\Component\RateLimiter\Storage\CacheStorage;

require 'Symfony/Component/Cache/autoload.php';
require 'Symfony/Component/Lock/autoload.php';
require 'Symfony/Component/RateLimiter/autoload.php';
require __DIR__ . '/takes.php';

$hosts = array_map(
    fn($url) => 'host[' . parse_url($url, PHP_URL_HOST) . ':' . parse_url($url, PHP_URL_PORT) . ']',
    explode(',', getenv('OPENCLAW_RL_REDIS')),
);
$cluster = getenv('OPENCLAW_RL_REDIS_KIND') === 'cluster';
$dsn = 'redis:?' . implode('&', $hosts) . '&timeout=2&read_timeout=2' . ($cluster ? '&redis_cluster=1' : '');
$limits = [
    'limit' => (int) getenv('OPENCLAW_RL_CAPACITY'),
    ...$argv[1] === 'token_bucket'
        ? ['rate' => ['interval' => getenv('OPENCLAW_RL_REFILL_US') / 1_000_000 . ' seconds', 'amount' => (int) getenv('OPENCLAW_RL_REFILL_TOKENS')]]
        : ['interval' => getenv('OPENCLAW_RL_FILL_MS') / 1_000 . ' seconds'],
];

answerTakes(function () use ($dsn, $limits, $argv) {
    $redis = RedisAdapter::createConnection($dsn);
    $factory = new RateLimiterFactory(
        ['id' => getenv('OPENCLAW_RL_PREFIX'), 'policy' => $argv[1], ...$limits],
        new CacheStorage(new RedisAdapter($redis)),
        new LockFactory(new RedisStore($redis)),
    );
    return fn($user, $cost) => $factory->create($user)->consume($cost)->isAccepted();
});
