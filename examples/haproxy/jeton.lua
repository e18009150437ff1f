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
                "cache-control" }

local function ask(txn)
  local passed = {}
  for name in string.gmatch(txn:get_var("txn.jeton_pass") or "", "[^, ]+") do passed[name] = true end

  local question = {
    ["x-forwarded-method"] = { txn.f:method() },
    ["x-forwarded-uri"] = { txn.f:pathq() },
    ["x-forwarded-host"] = { txn.f:req_fhdr("host") },
    ["x-forwarded-proto"] = { txn.f:ssl_fc() == 1 and "https" or "http" },
    ["x-forwarded-for"] = { txn.f:src() },
  }
  for name, values in pairs(txn.http:req_get_headers()) do
    if name == "authorization" or name == "traceparent" then
      question[name] = {}
      for i = 0, #values do question[name][i + 1] = values[i] end
    end
    -- x_auth_user is x-auth-user to many servers
    if passed[string.gsub(name, "_", "-")] then txn.http:req_del_header(name) end
  end

  local said = core.httpclient():get({ url = txn:get_var("txn.jeton_url"), headers = question, timeout = 2000 })
  if not said or not said.status or said.status == 0 then
    return answer(txn, 503, { ["content-type"] = "application/json", ["retry-after"] = "1" },
                  '{"error":"Verifier unavailable"}')
  end
  if said.status == 200 then
    for name in pairs(passed) do
      local value = said.headers[name] and said.headers[name][0] or ""
      if value ~= "" then txn.http:req_set_header(name, value) end
    end
    return
  end
  local headers = {}
  for _, name in ipairs(shown) do
    if said.headers[name] then headers[name] = said.headers[name][0] end
  end
  answer(txn, said.status, headers, said.body)
end

core.register_action("jeton", { "http-req" }, ask, 0)
