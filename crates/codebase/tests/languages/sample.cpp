#include <vector>
using namespace std;
namespace a::b {
// doc
template <typename T> class C : public D { public: C(); virtual ~C(); int m(int x) const { return x ? 1 : 2; } static int s(); };
}
int a::b::C<int>::s() { try { std::sort(v.begin(), v.end()); } catch (...) {} return 0; }
using X = int;
int& ref(int& x) { return x; }
bool operator==(const X& a, const X& b) { return a == b; }
