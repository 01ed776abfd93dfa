-- Sends the bodies of the file BENCH_BODIES (one a line) in turn, and counts answers that are none. For wrk.
local threads = {}

function setup(thread)
  table.insert(threads, thread)
end

function init(arguments)
  local headers = {
    ["Content-Type"] = "application/json",
    ["Authorization"] = "Bearer " .. os.getenv("BENCH_TOKEN"),
    ["X-ASCMS-Organisation"] = os.getenv("BENCH_ORGANISATION"),
  }
  prepared, turn, bad = {}, 0, 0
  for line in io.lines(os.getenv("BENCH_BODIES")) do
    table.insert(prepared, wrk.format("POST", "/graphql", headers, line))
  end
end

function request()
  turn = turn % #prepared + 1
  return prepared[turn]
end

function response(status, headers, body)
  if status ~= 200 or body:find('"errors"%s*:') or not body:find('"data"', 1, true) then
    bad = bad + 1
  end
end

function done(summary, latency, requests)
  local refused = 0
  for _, thread in ipairs(threads) do
    refused = refused + thread:get("bad")
  end
  local errors = summary.errors
  local unanswered = errors.connect + errors.read + errors.write + errors.timeout
  io.write(string.format(
    '{"requests":%d,"seconds":%f,"errors":%d,"p50":%f,"p99":%f,"max":%f,"bytes":%d}\n',
    summary.requests, summary.duration / 1e6, refused + unanswered,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, latency.max / 1e3, summary.bytes
  ))
end
