-- The registry of servers: a hash, boot -> '<written, ms>:<good for, ms>:<entry>'. All times are by the clock of this Redis.

local function number(text) return tonumber(text) or 0 end

-- Calls good(written, entry) for each entry that has not expired and late(boot) for each that has; returns how many are of no such form.
local function each(key, now, good, late)
  local fields, foreign = redis.call('HGETALL', key), 0
  for i = 1, #fields, 2 do
    local written, long, entry = string.match(fields[i + 1], '^(%d+):(%d+):(.*)$')
    if not written then foreign = foreign + 1
    -- A clock that was set back, or a failover to one that is behind, must not keep an entry for ever.
    elseif math.abs(now - number(written)) < number(long) then good(written, entry)
    else late(fields[i]) end
  end
  return foreign
end

-- KEYS: the registry. ARGV: boot, good for how many ms, entry.
-- Registered without the refusal of writes that have no replica, and so that it runs though the memory is full: to know each other matters most when
-- something is wrong, and an entry takes the place of the one before it.
redis.register_function{ function_name = 'registry_write_' .. VERSION, flags = { 'allow-oom' }, callback = function(keys, args)
  local now = now_ms()
  redis.call('HSET', keys[1], args[1], string.format('%.0f:%s:%s', now, args[2], args[3]))
  each(keys[1], now, function() end, function(boot) redis.call('HDEL', keys[1], boot) end)
  redis.call('PEXPIRE', keys[1], string.format('%.0f', number(args[2]) * 10))
  return 1
end }

-- KEYS: the registry. Answers: now, number of foreign fields, then written and entry of each.
register_read('registry_read', function(keys)
  local now, found = now_ms(), {}
  local foreign = each(keys[1], now, function(written, entry)
    found[#found + 1] = written
    found[#found + 1] = entry
  end, function() end)
  local answer = { string.format('%.0f', now), foreign }
  for i = 1, #found do answer[i + 2] = found[i] end
  return answer
end)
