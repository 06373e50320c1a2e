package a.b;
import java.util.List;
import static java.util.Map.*;
/** Doc. */
@Deprecated
public class D extends X implements Y {
  public static final int MAX_SIZE = 5;
  @Override
  public String f(@Nullable String s) throws E { try { g(); } catch (A | B e) { } return s == null ? "a" : new D().toString(); }
  D(int x) {}
  enum K { A }
  interface Q { void m(); }
  record R(int a) {}
}
