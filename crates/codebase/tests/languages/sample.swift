public class C: B {
    let MAX_V = 1
    public func f(x: Int) -> Int {
        guard x > 1 && x < 3 else { return 0 }
        if x == 1 { g(x) }
        switch x {
        case 1: return 2
        default: return 3
        }
    }
}
struct S { func m() {} }
protocol P { func q() }
enum E { case a }
extension S { func ext() {} }
typealias T = Int
