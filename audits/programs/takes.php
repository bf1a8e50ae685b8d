<?php
// Reads takes from standard input and answers them on standard output, one in each of a pool of processes, as PHP serves.

const WORKERS = 20;
ini_set('display_errors', 'stderr');

/** Answers each take by $open()($user, $cost), which returns whether it is allowed, or throws. Ends with standard input. */
function answerTakes(callable $open): void
{
    [$idle, $busy, $pids] = [[], [], []];
    for ($i = 0; $i < WORKERS; $i++) {
        [$ours, $theirs] = stream_socket_pair(STREAM_PF_UNIX, STREAM_SOCK_STREAM, 0);
        if (0 === $pid = pcntl_fork()) {
            foreach ([$ours, ...$idle] as $of_parent) fclose($of_parent); // so that its end is seen
            work($theirs, $open);
        }
        fclose($theirs);
        [$idle[], $pids[]] = [$ours, $pid];
    }
    $end = function () use ($pids) {
        array_walk($pids, fn($pid) => posix_kill($pid, SIGKILL)); // as where the machine of a service stops
        array_walk($pids, fn($pid) => pcntl_waitpid($pid, $status));
        exit(0);
    };
    pcntl_async_signals(true);
    pcntl_signal(SIGTERM, $end);
    fwrite(STDOUT, "{\"ready\": true}\n");
    while (true) {
        $readable = [...$busy, ...($idle ? [STDIN] : [])]; // a take waits on standard input until a worker is idle
        if (@stream_select($readable, $none, $none, null) === false) continue; // a signal
        foreach ($readable as $stream) {
            $line = fgets($stream);
            if ($line === false) $end();
            if ($stream === STDIN) {
                fwrite($busy[] = array_pop($idle), $line);
            } else {
                fwrite(STDOUT, $line);
                unset($busy[array_search($stream, $busy, true)]);
                $idle[] = $stream;
            }
        }
    }
}

function work($stream, callable $open): never
{
    while (($line = fgets($stream)) !== false) {
        $asked = json_decode($line);
        try {
            $take ??= $open();
            $reply = ['allowed' => $take($asked->user, $asked->cost)];
        } catch (Throwable $error) {
            $take = null; // the next one connects again
            $reply = ['error' => get_class($error) . ': ' . ($error->getPrevious() ?? $error)->getMessage()];
        }
        fwrite($stream, json_encode(['id' => $asked->id, ...$reply]) . "\n");
    }
    exit(0);
}
