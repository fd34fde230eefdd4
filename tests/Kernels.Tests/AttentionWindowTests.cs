using FsCheck;
using FsCheck.Fluent;

namespace Deepseek.Inference.Kernels.Tests;

public sealed class AttentionWindowTests
{
    private static readonly Arbitrary<(AttentionWindow Window, int Position, int Start, int Length)> Cases =
        (from recent in Gen.OneOf(Gen.Choose(1, 40), Gen.Constant(int.MaxValue))
         from sink in Gen.Choose(0, 60)
         from position in Gen.Choose(0, 100)
         from start in Gen.Choose(0, 90)
         from length in Gen.Choose(1, 40)
         select (new AttentionWindow(recent, sink), position, start, length)).ToArbitrary();

    [Fact]
    public void In_AnyRange_HoldsTheRangesPositionsThatTheQuerySees() =>
        Prop.ForAll(Cases, one =>
        {
            var visible = one.Window.In(one.Position, one.Start, one.Start + one.Length);
            return Enumerable.Range(-5, one.Length + 10).All(p => visible.Contains(p) == (p >= 0 && p < one.Length && Sees(one.Window, one.Position, one.Start + p)))
                && visible.IsEmpty == !Enumerable.Range(one.Start, one.Length).Any(j => Sees(one.Window, one.Position, j));
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Within_AnyPart_HoldsWhatIsInBoth() =>
        Prop.ForAll(Cases, one =>
        {
            var visible = one.Window.In(one.Position, one.Start, one.Start + one.Length);
            var part = visible.Within(5, 15);
            return Enumerable.Range(0, one.Length).All(p => part.Contains(p) == (visible.Contains(p) && p is >= 5 and < 15));
        }).QuickCheckThrowOnFailure();

    private static bool Sees(AttentionWindow window, int i, int j) => j <= i && (i - j < window.Recent || j < window.Sink);
}
