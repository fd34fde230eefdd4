using Deepseek.Inference.Diagnostics;
using Deepseek.Inference.Sampling;

namespace Deepseek.Inference.Tests.Sampling;

public sealed class InvalidLogitsExceptionTests
{
    private static readonly ISampler[] Samplers = [new GreedySampler(), new MultinomialSampler()];

    private static readonly ILogitsProcessor[] Filters = [new Temperature(0.5), new TopK(1), new TopP(0.5), new MinP(0.5), new Typical(0.5)];

    public static TheoryData<float[], string, int?> BadRows => new()
    {
        { [1f, 2f, float.NaN, float.NaN], "The logit of token 2 is NaN; it must be finite, or −∞ for a removed token. Damaged weights, an overflow or a logits processor can be the cause.", 2 },
        { [1f, float.PositiveInfinity], "The logit of token 1 is +∞; it must be finite, or −∞ for a removed token. Damaged weights, an overflow or a logits processor can be the cause.", 1 },
        { [Rows.Removed, Rows.Removed, Rows.Removed], "All 3 tokens are removed (−∞), so none can be chosen; at least one must be left. Check the logit biases and the added logits processors.", null },
        { [], "All 0 tokens are removed (−∞), so none can be chosen; at least one must be left. Check the logit biases and the added logits processors.", null },
    };

    [Theory, MemberData(nameof(BadRows))]
    public void Sample_BadRow_SaysWhatIsWrong(float[] row, string message, int? token)
    {
        foreach (var sampler in Samplers)
        {
            var sampled = Assert.Throws<InvalidLogitsException>(() => Sample(sampler, row));
            var inspected = Assert.Throws<InvalidLogitsException>(() => sampler.Probabilities(row, new float[row.Length]));

            Assert.Equal(message, sampled.Message);
            Assert.Equal(message, inspected.Message);
            Assert.Equal(token, sampled.Token);
            Assert.IsType<DeepseekException>(sampled, exactMatch: false);
        }
    }

    [Theory, MemberData(nameof(BadRows))]
    public void LogProbabilities_BadRow_SaysWhatIsWrong(float[] row, string message, int? token)
    {
        var fault = Assert.Throws<InvalidLogitsException>(() => LogProbabilities.Top(row, 2));

        Assert.Equal(message, fault.Message);
        Assert.Equal(token, fault.Token);
    }

    [Theory, MemberData(nameof(BadRows))]
    public void Process_BadRow_IsLeftForTheSamplerToReport(float[] row, string message, int? token)
    {
        foreach (var filter in Filters)
        {
            var actual = Rows.Apply(filter, row);

            Assert.Equal(row, actual);
            var fault = Assert.Throws<InvalidLogitsException>(() => Sample(Samplers[1], actual));
            Assert.Equal((message, token), (fault.Message, fault.Token));
        }
    }

    private static int Sample(ISampler sampler, float[] row)
    {
        var random = new SamplingRandom(1, 0);
        return sampler.Sample(row, ref random);
    }
}
