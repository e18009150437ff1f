-- jeton.lua: asks `jeton gateway` about a request (forward-auth). Sets the headers of txn.jeton_pass to what the
-- gateway says, removes them otherwise, and answers a refusal as the gateway words it. When the gateway cannot be
-- asked, the answer is 503: nobody gets in unseen. HAProxy 2.5 and later.

local function answer(txn, status, headers, body)
  local reply = txn:reply({ status = status })
  for name, value in pairs(headers) do reply:add_header(name, value) end
  reply:set_body(body or "")
  txn:done(reply)
end

-- What the client is shown of a refusal.
local shown = { "content-type", "www-authenticate", "retry-after", "ratelimit", "ratelimit-policy", "x-request-id",
                "cache-control", "vary", "access-control-allow-origin", "access-control-allow-credentials",
                "access-control-expose-headers" }

-- What the gateway is asked with, as the client sent it. The last two make a preflight.
local asked = { ["authorization"] = true, ["traceparent"] = true, ["origin"] = true,
                ["access-control-request-method"] = true }

-- What frameworks believe about the request or the client. A name ends in "-" for all that begin so.
local never = { ["forwarded"] = true, ["x-forwarded-"] = true, ["x-original-"] = true, ["x-rewrite-"] = true,
                ["x-http-method"] = true, ["x-http-method-override"] = true, ["x-method-override"] = true,
                ["x-real-ip"] = true, ["x-client-ip"] = true, ["true-client-ip"] = true,
                ["x-cluster-client-ip"] = true, ["proxy"] = true }
local refresh = { ["__host-jeton_refresh"] = true, ["jeton_refresh"] = true }
local values_max = 2         -- of one name; two are enough for the gateway to see that they are too many
local question_bytes_max = 12000  -- what is more does not fit into HAProxy's buffer

-- X_Auth.User is X-Auth-User to many servers.
local function folded(name) return (string.gsub(string.lower(name), "[^%w]", "-")) end

local function is_taken_away(name)
  return never[name] or never[string.match(name, "^x%-%w+%-") or ""]
end

-- The refresh token is the issuer's alone.
local function without_refresh(cookies)
  if not string.find(string.lower(cookies), "jeton_refresh", 1, true) then return cookies end
  local kept = {}
  for cookie in string.gmatch(cookies, "[^;]+") do
    cookie = string.match(cookie, "^%s*(.-)%s*$")
    if not refresh[string.lower(string.match(cookie, "^([^=]-)%s*=") or cookie)] then kept[#kept + 1] = cookie end
  end
  return table.concat(kept, "; ")
end

local function clean_cookies(txn, values)
  txn.http:req_del_header("cookie")
  for i = 0, #values do
    local kept = without_refresh(values[i])
    if kept ~= "" then txn.http:req_add_header("cookie", kept) end
  end
end

local function ask(txn)
  local passed = {}
  for name in string.gmatch(txn:get_var("txn.jeton_pass") or "", "[^, ]+") do passed[folded(name)] = string.lower(name) end

  local question = {
    ["x-forwarded-method"] = { txn.f:method() },
    ["x-forwarded-uri"] = { txn.f:pathq() },
    ["x-forwarded-host"] = { txn.f:req_fhdr("host") },
    ["x-forwarded-proto"] = { txn.f:ssl_fc() == 1 and "https" or "http" },
    ["x-forwarded-for"] = { txn.f:src() },
  }
  for name, values in pairs(txn.http:req_get_headers()) do
    if asked[name] then
      question[name] = {}
      for i = 0, math.min(#values, values_max - 1) do question[name][i + 1] = values[i] end
    elseif name == "cookie" then
      clean_cookies(txn, values)
    elseif passed[folded(name)] or is_taken_away(folded(name)) then
      txn.http:req_del_header(name)
    end
  end
  local bytes = 0
  for _, values in pairs(question) do
    for _, value in ipairs(values) do bytes = bytes + #value end
  end
  if bytes > question_bytes_max then
    return answer(txn, 431, { ["content-type"] = "application/json" }, '{"error":"Request header fields too large"}')
  end

  local said = core.httpclient():get({ url = txn:get_var("txn.jeton_url"), headers = question, timeout = 2000 })
  if not said or not said.status or said.status == 0 then
    return answer(txn, 503, { ["content-type"] = "application/json", ["retry-after"] = "1" },
                  '{"error":"Verifier unavailable"}')
  end
  if said.status == 200 then
    for _, name in pairs(passed) do
      local value = said.headers[name] and said.headers[name][0] or ""
      if value ~= "" then txn.http:req_set_header(name, value) end
    end
    txn:set_var("txn.jeton_allowed", true)
    return
  end
  local headers = {}
  for _, name in ipairs(shown) do
    if said.headers[name] then headers[name] = said.headers[name][0] end
  end
  answer(txn, said.status, headers, said.body)
end

core.register_action("jeton", { "http-req" }, ask, 0)
