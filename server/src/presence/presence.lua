-- Presence: what each server says of the rooms of a partition, in a hash of its own under KEYS[1], which expires unless it is renewed.
--
-- Field: the room. Value: what was said, which begins '1 <version> '. The field '' holds the sum of the versions: together with the number of fields it
-- tells the server whether all that it said is there, whatever of it got lost on the way. A value that is none of ours counts as version 0.
--
-- These are registered without the layer's rule that nothing is written where no replica follows: presence is worth nothing later.

local function register_volatile(name, f)
  redis.register_function(name .. '_' .. VERSION, function(keys, args) return wrapped(f(keys, args)) end)
end

local function version(said)
  return said and tonumber(string.match(said, '^1 (%d+) ')) or 0
end

-- ARGV: milliseconds that it is kept, room, what is said or '' for nothing.
register_volatile('presence_write', function(keys, args)
  local key, room, said = keys[1], args[2], args[3]
  if redis.call('TYPE', key).ok ~= 'hash' then redis.call('DEL', key) end
  local before = version(redis.call('HGET', key, room))
  if said == '' then
    redis.call('HDEL', key, room)
    redis.call('HINCRBY', key, '', -before)
    if redis.call('HLEN', key) == 1 then return redis.call('DEL', key) end
  else
    redis.call('HSET', key, room, said)
    redis.call('HINCRBY', key, '', version(said) - before)
  end
  return redis.call('PEXPIRE', key, args[1])
end)

-- ARGV: milliseconds, then room and what is said, for all rooms that anything is said of.
register_volatile('presence_replace', function(keys, args)
  local sum = 0
  redis.call('DEL', keys[1])
  for at = 2, #args - 1, 2 do
    redis.call('HSET', keys[1], args[at], args[at + 1])
    sum = sum + version(args[at + 1])
  end
  redis.call('HSET', keys[1], '', string.format('%.0f', sum))
  return redis.call('PEXPIRE', keys[1], args[1])
end)

-- ARGV: milliseconds.
register_volatile('presence_keep', function(keys, args)
  return redis.call('PEXPIRE', keys[1], args[1])
end)

-- The number of rooms, and the sum of the versions.
register_read('presence_sum', function(keys)
  local sum = redis.pcall('HGET', keys[1], '')
  if type(sum) ~= 'string' then return { 0, '0' } end
  return { redis.call('HLEN', keys[1]) - 1, sum }
end)

-- KEYS: one a server. ARGV: for each room its name and the version that is known of each server. Answers, for each room and server, with what is said;
-- 0 where that is known, 1 where nothing is said.
register_read('presence_read', function(keys, args)
  local answer, stride = {}, #keys + 1
  for room = 1, #args, stride do
    for at, key in ipairs(keys) do
      local said = redis.pcall('HGET', key, args[room])
      if type(said) ~= 'string' then
        answer[#answer + 1] = 1
      elseif version(said) == tonumber(args[room + at]) and version(said) > 0 then
        answer[#answer + 1] = 0
      else
        answer[#answer + 1] = said
      end
    end
  end
  return answer
end)
