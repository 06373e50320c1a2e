local m = require("mod.x")
-- doc
local function f(a, b) if a and b then g() elseif a then end for i=1,2 do end end
function M.g(x) return x or 1 end
function M:h() end
