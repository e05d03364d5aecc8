-- For wrk: POST the keepalives of many clients, one after the other, round and round.
--   wrk ... -s keepalive.lua URL -- KEY CLIENTS FIRST PAUSE CHANGING
-- PAUSE: ms before each request. CHANGING 1: each keepalive has another address than the one before.
-- The requests are made once, before the clock starts. The last line of the output is a JSON object.

local requests = {}
local current
local pause

local body = '{"client_id":"c-%d","public_ip":"203.0.113.%d","location":"US","city":"San Francisco",'
    .. '"region":"California","country":"United States","dns_loc":"US","dns_colo":"SJC",'
    .. '"vpn_connected":true,"timestamp":"2025-01-15T12:34:56Z"}'

function init(args)
    local headers = { ["Content-Type"] = "application/json", ["X-API-Key"] = args[1] }
    local clients = tonumber(args[2])
    local rounds = args[5] == "1" and 2 or 1
    for round = 1, rounds do
        for number = 1, clients do
            requests[#requests + 1] = wrk.format("POST", nil, headers, body:format(number, 41 + round))
        end
    end
    current = tonumber(args[3]) - 1
    pause = tonumber(args[4])
    if pause > 0 then
        function delay()
            return pause
        end
    end
end

function request()
    current = current % #requests + 1
    return requests[current]
end

function done(summary, latency)
    local errors = summary.errors
    print(('{"requests":%d,"seconds":%.6f,"p99_ms":%.3f,"refused":%d,"broken":%d}'):format(
        summary.requests, summary.duration / 1e6, latency:percentile(99) / 1e3, errors.status,
        errors.connect + errors.read + errors.write + errors.timeout))
end
