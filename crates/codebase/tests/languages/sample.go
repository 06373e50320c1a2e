package main
import ( "fmt"; alias "net/http"
 . "os" )
// T is a thing.
type T struct { a int }
type I interface { M(x int) error }
type S = string
const ( A = 1; B = 2 )
// Do does.
func (t *T) Do(x int) (err error) { if x > 1 && x < 3 { fmt.Println(x) }; switch x { case 1: return nil; default: }; for {}; return }
func main() { t := T{}; t.Do(1) }
