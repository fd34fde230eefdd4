using Deepseek.Inference.Configuration;
using Deepseek.Inference.Layers;
using Deepseek.Inference.Store;
using Deepseek.Inference.Tests.Sampling;
using FsCheck;
using FsCheck.Fluent;

namespace Deepseek.Inference.Tests.Store;

public sealed class SyntheticChoiceTests
{
    private static readonly Gen<(ExpertConfig Experts, float[] Logits)> Cases =
        from method in Gen.Elements(Enum.GetValues<RoutingMethod>())
        from groups in Gen.Choose(1, 5)
        from size in Gen.Choose(2, 9)
        from kept in Gen.Choose(1, groups)
        from chosen in Gen.Choose(1, kept * size)
        from logits in Gen.Choose(-40, 40).Select(quarter => quarter / 8f).ArrayOf(groups * size) // with ties
        select (new ExpertConfig(groups * size, 0, chosen, 16, 0, 1, groups, kept, method, false, 1), logits);

    [Fact]
    public void Choose_AnyRanks_IsWhatTheModelsRouterChooses() => Rows.ForAll(Cases, one =>
    {
        var (experts, logits) = one;
        var (expected, actual) = (new int[experts.ChosenCount], new int[experts.ChosenCount]);
        var ranks = experts.Method == RoutingMethod.SigmoidNoAuxiliaryLoss ? Array.ConvertAll(logits, logit => 1 / (1 + MathF.Exp(-logit))) : logits.ToArray();

        new ExpertSelection(experts, null).Choose(logits, expected, new float[experts.ChosenCount]);
        SyntheticChoice.Choose(experts, ranks, actual);

        Assert.Equal(expected, actual.Order());
    });
}
