require 'set'
require_relative 'foo/bar'
module M
  # doc of C
  class C < B
    MAX = 5
    def initialize(a, b = 1)
      @a = a unless b && a
      foo(b) if a
    end
    def self.k; end
  end
end
def top; case x when 1 then 2 else 3 end; end
