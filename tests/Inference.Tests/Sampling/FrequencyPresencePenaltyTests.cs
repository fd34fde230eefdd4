using Deepseek.Inference.Sampling;

namespace Deepseek.Inference.Tests.Sampling;

public sealed class FrequencyPresencePenaltyTests
{
    [Fact]
    public void Process_HandWorkedRow_CountsGeneratedTokensAlone()
    {
        // Token 0 occurred three times, token 2 once, token 1 in the prompt only, token 3 is removed.
        var actual = Rows.Apply(new FrequencyPresencePenalty(0.5, 0.25), [4f, 3f, -1f, Rows.Removed], prompt: [1, 1], generated: [0, 2, 0, 3, 0]);

        Assert.Equal([2.25f, 3f, -1.75f, Rows.Removed], actual);
    }

    [Fact]
    public void Process_Negative_RewardsRepetition() =>
        Assert.Equal([8f, 1f], Rows.Apply(new FrequencyPresencePenalty(-2, -1), [1f, 1f], generated: [0, 0, 0]));

    [Fact]
    public void Process_NothingGenerated_LeavesTheRow() =>
        Assert.Equal([1f, 2f], Rows.Apply(new FrequencyPresencePenalty(2, 2), [1f, 2f], prompt: [0, 1]));

    [Fact]
    public void Process_AnyOrderOfTheHistory_GivesTheSame() => Rows.ForAll(Rows.Tied, row =>
    {
        var history = Enumerable.Range(0, 2 * row.Length).Select(i => i * i % row.Length).ToArray();

        var forwards = Rows.Apply(new FrequencyPresencePenalty(0.3, 0.7), row, generated: history);
        var backwards = Rows.Apply(new FrequencyPresencePenalty(0.3, 0.7), row, generated: [.. history.Reverse()]);

        Assert.Equal(forwards, backwards);
    });

    [Fact]
    public void Process_TokenOutsideTheVocabulary_NamesItAndTheRange()
    {
        var fault = Assert.Throws<ArgumentException>(() => Rows.Apply(new FrequencyPresencePenalty(1, 1), [1f, 2f], generated: [7]));

        Assert.Equal("The history holds token 7; ids must be 0 to 1, since the row has 2 logits.", fault.Message);
    }

    [Fact]
    public void Constructor_OutOfRange_NamesValueRangeAndReason()
    {
        foreach (var value in (double[])[-2.1, 2.1, double.NaN])
        {
            var frequency = Assert.Throws<ArgumentOutOfRangeException>(() => new FrequencyPresencePenalty(value, 0));
            var presence = Assert.Throws<ArgumentOutOfRangeException>(() => new FrequencyPresencePenalty(0, value));

            Assert.StartsWith(FormattableString.Invariant($"frequency is {value}; it must be -2 to 2, the range of OpenAI's API; 0 turns it off. (Parameter 'frequency')"), frequency.Message, StringComparison.Ordinal);
            Assert.StartsWith(FormattableString.Invariant($"presence is {value}; it must be -2 to 2, the range of OpenAI's API; 0 turns it off. (Parameter 'presence')"), presence.Message, StringComparison.Ordinal);
        }
    }
}
