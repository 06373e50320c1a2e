package a.b
import c.d.{E, F => G}
import x.y._
/** Doc */
@ann class C(a: Int) extends D { def f(x: Int): Int = if (x > 1 && x < 3) g(x) else x match { case 1 => 2; case _ => 3 } 
 val Max = 5 }
object O { def m = 1 }
trait T { def q(): Unit }
