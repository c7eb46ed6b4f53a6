-- For wrk: what it measured, as one line of JSON. Times are microseconds.
--
--     wrk --script wrk.lua URL -- 16     sends 16 requests together

init = function(args)
  local count = tonumber(args[1] or 1)
  if count == 1 then return end
  local together = string.rep(wrk.format(), count)
  request = function() return together end
end

done = function(summary, latency)
  local e = summary.errors
  io.write(string.format(
    'JSON {"requests":%d,"durationUs":%d,"p50Us":%d,"p99Us":%d,"connect":%d,"read":%d,"write":%d,"timeout":%d,"status":%d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    e.connect, e.read, e.write, e.timeout, e.status))
end
