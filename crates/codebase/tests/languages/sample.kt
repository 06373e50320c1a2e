package a.b
import java.util.List
import x.y.*
import q.Z as W
/** Doc */
@Anno
data class P(val a: Int) {
    private fun f(x: Int): Int {
        if (x > 1 && x < 3) { g() }
        return when (x) {
            1 -> 2
            else -> 3
        }
    }
    companion object {
        const val MAX_V = 5
    }
}
interface I {
    fun m()
}
object O { }
enum class E { A }
typealias T = String
fun top() = 1
fun String.ext(): Int { return 1 }
