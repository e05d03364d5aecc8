-- For wrk: requests from ever other addresses, told in X-Forwarded-For.
--   wrk ... -s hostile.lua URL -- KIND KEY FIRST
-- KIND: "report" (a keepalive with the key), "guess" (each with another wrong key),
-- "bomb" (with the key, as deep JSON as fits), "path" (with no key, a path that would forge log lines).
-- FIRST: number of the first address. The last line of the output is a JSON object.

local kind, key, number
local threads = {}

function setup(thread)
    threads[#threads + 1] = thread
end

function init(args)
    kind, key, number = args[1], args[2], tonumber(args[3])
    statuses = {}
    sent = 0
end

local body = '{"client_id":"flood"}'
local bomb = '{"client_id":"flood","x":' .. ("["):rep(16000)

function request()
    number = number + 1
    sent = sent + 1
    local address = ("10.%d.%d.%d"):format(math.floor(number / 65536) % 256, math.floor(number / 256) % 256, number % 256)
    local headers = { ["X-Forwarded-For"] = address }
    local path, text = "/api/v1/keepalive", body
    if kind == "guess" then
        headers["X-API-Key"] = ("%s%d"):format(key:sub(1, -2), number)
    elseif kind == "path" then
        path = "/api/v1/x%0A[2025-01-15%2012:34:56]%20[api]%1B[2J" .. ("%E2%80%AE"):rep(40) .. number
    else
        headers["X-API-Key"] = key
    end
    if kind == "bomb" then
        text = bomb
    end
    return wrk.format("POST", path, headers, text)
end

function response(status)
    statuses[status] = (statuses[status] or 0) + 1
end

function done(summary, latency)
    local all, requests = {}, 0
    for _, thread in ipairs(threads) do
        requests = requests + thread:get("sent")
        for status, count in pairs(thread:get("statuses")) do
            all[status] = (all[status] or 0) + count
        end
    end
    local parts = {}
    for status, count in pairs(all) do
        parts[#parts + 1] = ('"%d":%d'):format(status, count)
    end
    local errors = summary.errors
    print(('{"opened":%d,"seconds":%.3f,"broken":%d,"answers":{%s}}'):format(requests, summary.duration / 1e6,
        errors.connect + errors.read + errors.write + errors.timeout, table.concat(parts, ",")))
end
