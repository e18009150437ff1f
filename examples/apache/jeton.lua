-- jeton.lua: asks `jeton gateway` about a request (forward-auth). Sets the headers of `passed` to what the gateway says,
-- removes them otherwise, and answers a refusal as the gateway words it. When the gateway cannot be asked, the answer is
-- 503: nobody gets in unseen.
require "apache2"
local http = require "socket.http"
local ltn12 = require "ltn12"

local url = "http://127.0.0.1:8082/auth"
local passed = { ["x-auth-user"] = true, ["x-auth-roles"] = true }
local shown = { "WWW-Authenticate", "Retry-After", "RateLimit", "RateLimit-Policy", "X-Request-Id", "Cache-Control" }
http.TIMEOUT = 2

local function refuse(r, status, body)
  r.status = status
  r.content_type = "application/json"
  r:puts(body)
  return apache2.DONE
end

function ask(r)
  if not r.is_initial_req then return apache2.DECLINED end
  local remove = {}
  for name in pairs(r:headers_in_table()) do
    -- x_auth_user is x-auth-user to many servers
    if passed[string.gsub(string.lower(name), "_", "-")] then remove[#remove + 1] = name end
  end
  for _, name in ipairs(remove) do r.headers_in[name] = nil end

  local said = {}
  local ok, status, headers = http.request({
    url = url,
    sink = ltn12.sink.table(said),
    redirect = false,
    headers = {
      ["authorization"] = r.headers_in["Authorization"],
      ["traceparent"] = r.headers_in["traceparent"],
      ["x-forwarded-method"] = r.method,
      ["x-forwarded-uri"] = r.unparsed_uri,
      ["x-forwarded-host"] = r.hostname,
      ["x-forwarded-proto"] = r.is_https and "https" or "http",
      ["x-forwarded-for"] = r.useragent_ip,
    },
  })
  if not ok then return refuse(r, 503, '{"error":"Verifier unavailable"}') end
  if status == 200 then
    for name in pairs(passed) do
      if (headers[name] or "") ~= "" then r.headers_in[name] = headers[name] end
    end
    return apache2.OK
  end
  for _, name in ipairs(shown) do
    local value = headers[string.lower(name)]
    if value then r.headers_out[name] = value end
  end
  return refuse(r, status, table.concat(said))
end
