using System; using Al = System.Text; using static System.Math;
namespace N.M { 
/// <summary>doc</summary>
[Serializable] public class C : B { const int K = 1; 
 [Test] 
 public async Task<int> F(int x) { if (x > 1 && x < 2) { G(); } var y = x switch { 1 => 2, _ => 3 }; switch (x) { case 1: break; default: break; } return x; } public C() {} }
 interface I { void M(); } struct S {} enum E { A } record R(int a); }
