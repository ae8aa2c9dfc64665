-- The head of the library: tenure, epochs and registration. Parts may use:
--   register(name, f)       a function that may write; called by Cluster::write and Cluster::post
--   register_read(name, f)  a function that only reads; called by Cluster::read
--   epoch(meta)             the epoch of the partition with this meta key, as a string; or nil and the error to answer with, if the epoch has not
--                           been raised under this master's tenure:  local e, refusal = epoch(KEYS[1]); if not e then return refusal end
--   tenure()                the tenure itself: the master's replication id, which changes whenever it came to its data anew
-- The meta hash <prefix>:{tag}:m of each partition has the fields
--   e  the epoch    o  the tenure that it holds for    p  the tenure that it was raised for, before replicas were known to have it    b  beats
-- A function that answers with an error must not have written before.

local replid, read_at_ms, refusing = nil, 0, false

local function now_ms()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- Role, number of replicas that follow, number of replicas that are linked and have not answered for some seconds.
local function look()
  local info = redis.call('INFO', 'replication')
  replid = string.match(info, 'master_replid:(%w+)')
  read_at_ms = now_ms()
  local online, silent = 0, 0
  for lag in string.gmatch(info, 'slave%d+:[^\r\n]*state=online[^\r\n]*lag=(%d+)') do
    if tonumber(lag) > 5 then silent = silent + 1 else online = online + 1 end
  end
  return string.match(info, 'role:(%w+)'), online, silent
end

local function tenure()
  return replid
end

local function epoch(meta)
  local fields = redis.call('HMGET', meta, 'e', 'o')
  if fields[1] and fields[2] == replid then return fields[1] end
  return nil, redis.error_reply('TENURE the epoch is not of this tenure')
end

local function register(name, f)
  redis.register_function(name .. '_' .. VERSION, function(keys, args)
    if refusing then return redis.error_reply('UNREPLICATED no replica follows') end
    return f(keys, args)
  end)
end

local function register_read(name, f)
  redis.register_function{
    function_name = name .. '_' .. VERSION,
    callback = function(keys, args)
      if not replid or math.abs(now_ms() - read_at_ms) > 100 then look() end
      return f(keys, args)
    end,
    flags = { 'no-writes' },
  }
end
