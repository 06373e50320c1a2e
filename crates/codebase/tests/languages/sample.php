<?php
namespace A\B;
use C\D as E; use F\{G, H};
require_once __DIR__ . '/x.php';
/** doc */
#[Attr]
final class K extends L { const X = 1; private function f(int $a): ?string { if ($a && true) { g($a); } elseif ($a) {} return $a ? $this->h() : K::s(); } }
function top($x) { foreach ($x as $y) {} return match($x) { 1 => 2, default => 3 }; }
interface II {} trait TT {} enum EE { case A; }
