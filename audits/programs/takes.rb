# Reads takes from standard input and answers them on standard output, one in each of a pool of processes, as Puma's workers.
require "json"
require "socket"

WORKERS = 20

def setting(name) = ENV.fetch("OPENCLAW_RL_#{name}")

# Answers each take by the block, which is given a user and a cost, and returns whether it is allowed or raises. Ends with
# standard input.
def answer_takes(&take)
  $stdout.sync = true
  sockets = []
  pids = Array.new(WORKERS) do
    ours, theirs = UNIXSocket.pair
    sockets << ours
    fork do
      sockets.each(&:close) # so that the end of the parent is seen
      work(theirs, take)
    end.tap { theirs.close }
  end
  idle = sockets.each_with_object(Queue.new) { |socket, queue| queue << socket }
  at_exit do
    pids.each { |pid| Process.kill("KILL", pid) }
    Process.waitall
  end
  trap("TERM") { exit }
  puts '{"ready": true}'
  $stdin.each_line do |line|
    worker = idle.pop
    Thread.new do
      worker.write(line)
      $stdout.write(worker.gets)
      idle << worker
    end
  end
end

def work(socket, take)
  while (line = socket.gets)
    asked = JSON.parse(line)
    reply =
      begin
        { allowed: take.call(asked["user"], asked["cost"]) }
      rescue => error
        { error: error.inspect }
      end
    socket.write("#{JSON.generate({ id: asked["id"], **reply })}\n")
  end
  exit!(0)
end
