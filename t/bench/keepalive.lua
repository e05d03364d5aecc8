-- For wrk: POST the keepalives of many clients, one after the other, round and round.
--   wrk ... -s keepalive.lua URL -- KEY CLIENTS FIRST STEP PAUSE CHANGING ADDRESSES
-- It is c-FIRST, c-(FIRST + STEP) ..., after the last of the CLIENTS from the first on.
-- PAUSE: ms before each request. CHANGING 1: each keepalive has another address than the one before.
-- ADDRESSES 1: each client has an address of its own, as a proxy would tell.
-- The requests are made once, before the clock starts. The last line of the output is a JSON object.

local MOST = 100000 -- requests; more would take long to make

local requests = {}
local current = 0
local pause

local body = '{"client_id":"c-%d","public_ip":"203.0.113.%d","location":"US","city":"San Francisco",'
    .. '"region":"California","country":"United States","dns_loc":"US","dns_colo":"SJC",'
    .. '"vpn_connected":true,"timestamp":"2025-01-15T12:34:56Z"}'

local function request_of(number, round, args)
    local headers = { ["Content-Type"] = "application/json", ["X-API-Key"] = args[1] }
    if args[7] == "1" then
        headers["X-Forwarded-For"] = ("10.%d.%d.%d"):format(number / 65536 % 256, number / 256 % 256, number % 256)
    end
    return wrk.format("POST", nil, headers, body:format(number, 41 + round))
end

function init(args)
    local clients, first, step = tonumber(args[2]), tonumber(args[3]), tonumber(args[4])
    for round = 1, args[6] == "1" and 2 or 1 do
        for index = 0, math.min(clients, MOST) - 1 do
            requests[#requests + 1] = request_of((first - 1 + index * step) % clients + 1, round, args)
        end
    end
    pause = tonumber(args[5])
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
