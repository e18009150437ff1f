-- jeton.lua: asks `jeton gateway` about a request (forward-auth). Sets the headers of `passed` to what the gateway says,
-- removes them otherwise, and answers a refusal as the gateway words it. When the gateway cannot be asked, the answer is
-- 503: nobody gets in unseen.
require "apache2"
local http = require "socket.http"
local ltn12 = require "ltn12"

local url = "http://127.0.0.1:8082/auth"
local passed = { ["x-auth-user"] = true, ["x-auth-roles"] = true }
local shown = { "WWW-Authenticate", "Retry-After", "RateLimit", "RateLimit-Policy", "X-Request-Id", "Cache-Control",
                "Vary", "Access-Control-Allow-Origin", "Access-Control-Allow-Credentials",
                "Access-Control-Expose-Headers" }
http.TIMEOUT = 2

-- What frameworks believe about the request or the client. A name ends in "-" for all that begin so.
local never = { ["forwarded"] = true, ["x-forwarded-"] = true, ["x-original-"] = true, ["x-rewrite-"] = true,
                ["x-http-method"] = true, ["x-http-method-override"] = true, ["x-method-override"] = true,
                ["x-real-ip"] = true, ["x-client-ip"] = true, ["true-client-ip"] = true,
                ["x-cluster-client-ip"] = true, ["proxy"] = true }
local refresh = { ["__host-jeton_refresh"] = true, ["jeton_refresh"] = true }

-- X_Auth.User is X-Auth-User to many servers.
local function folded(name) return (string.gsub(string.lower(name), "[^%w]", "-")) end

local function is_taken_away(name)
  return passed[name] or never[name] or never[string.match(name, "^x%-%w+%-") or ""]
end

-- The refresh token is the issuer's alone.
local function without_refresh(cookies)
  if not string.find(string.lower(cookies), "jeton_refresh", 1, true) then return cookies end
  local kept = {}
  for cookie in string.gmatch(cookies, "[^;]+") do
    cookie = string.match(cookie, "^%s*(.-)%s*$")
    if not refresh[string.lower(string.match(cookie, "^([^=]-)%s*=") or cookie)] then kept[#kept + 1] = cookie end
  end
  return #kept > 0 and table.concat(kept, "; ") or nil
end

-- Takes away what a client may not tell the origin.
local function clean(r)
  local remove = {}
  for name in pairs(r:headers_in_table()) do
    if is_taken_away(folded(name)) then remove[#remove + 1] = name end
  end
  for _, name in ipairs(remove) do r.headers_in[name] = nil end
  -- A trace that is not well-formed (W3C Trace Context) is none, and its state goes with it.
  local trace = r.headers_in["traceparent"] or ""
  if #trace ~= 55 or not string.find(trace, "^00%-[%da-f]+%-[%da-f]+%-[%da-f][%da-f]$") then
    r.headers_in["traceparent"], r.headers_in["tracestate"] = nil, nil
  end
  local cookies = r.headers_in["Cookie"]
  if cookies then r.headers_in["Cookie"] = without_refresh(cookies) end
  -- Or it would take the headers of `passed` away again, which mod_proxy removes when they are named there.
  local connection = string.lower(r.headers_in["Connection"] or "")
  r.headers_in["Connection"] = string.find(connection, "close", 1, true) and "close" or nil
  r.headers_in["Upgrade"] = nil
end

local function refuse(r, status, body)
  r.status = status
  r.content_type = "application/json"
  r:puts(body)
  return apache2.DONE
end

function ask(r)
  if not r.is_initial_req then return apache2.DECLINED end
  clean(r)
  local said = {}
  local ok, status, headers = http.request({
    url = url,
    sink = ltn12.sink.table(said),
    redirect = false,
    headers = {
      ["authorization"] = r.headers_in["Authorization"],
      ["traceparent"] = r.headers_in["traceparent"],
      ["origin"] = r.headers_in["Origin"],
      ["access-control-request-method"] = r.headers_in["Access-Control-Request-Method"],
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
