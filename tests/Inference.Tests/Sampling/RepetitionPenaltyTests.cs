using Deepseek.Inference.Sampling;

namespace Deepseek.Inference.Tests.Sampling;

public sealed class RepetitionPenaltyTests
{
    [Fact]
    public void Process_HandWorkedRow_DividesPositiveAndMultipliesNegative()
    {
        var actual = Rows.Apply(new RepetitionPenalty(2), [4f, -4f, 0f, 6f, 1f, Rows.Removed], prompt: [0, 1], generated: [2, 5]);

        Assert.Equal([2f, -8f, 0f, 6f, 1f, Rows.Removed], actual);
    }

    [Fact]
    public void Process_RepeatedTokens_CountOnce() =>
        Assert.Equal([2f, 1f], Rows.Apply(new RepetitionPenalty(2), [4f, 1f], prompt: [0, 0], generated: [0, 0, 0]));

    [Fact]
    public void Process_IdsAcrossWords_AreAllMet()
    {
        var row = Enumerable.Repeat(2f, 130).ToArray();

        var actual = Rows.Apply(new RepetitionPenalty(2), row, prompt: [0, 63, 64, 127, 128, 129]);

        Assert.Equal([0, 63, 64, 127, 128, 129], Enumerable.Range(0, 130).Where(id => actual[id] == 1f));
    }

    [Fact]
    public void Process_BelowOne_RewardsRepetition() =>
        Assert.Equal([8f, -2f], Rows.Apply(new RepetitionPenalty(0.5), [4f, -4f], generated: [0, 1]));

    [Fact]
    public void Process_AnyRow_IsUndoneByTheInverse() => Rows.ForAll(Rows.Tied, row =>
    {
        var history = Enumerable.Range(0, row.Length).Where(id => id % 3 != 0).ToArray();

        var there = Rows.Apply(new RepetitionPenalty(4), row, generated: history); // a power of two: exact
        var back = Rows.Apply(new RepetitionPenalty(0.25), there, prompt: history);

        Assert.Equal(row, back);
    });

    [Theory]
    [InlineData(2)]
    [InlineData(-1)]
    [InlineData(int.MaxValue)]
    public void Process_TokenOutsideTheVocabulary_NamesItAndTheRange(int id)
    {
        var fault = Assert.Throws<ArgumentException>(() => Rows.Apply(new RepetitionPenalty(2), [1f, 2f], prompt: [id]));

        Assert.Equal($"The history holds token {id}; ids must be 0 to 1, since the row has 2 logits.", fault.Message);
    }

    [Fact]
    public void Constructor_OutOfRange_NamesValueRangeAndReason()
    {
        foreach (var value in (double[])[0, -1, double.NaN, double.PositiveInfinity])
        {
            var fault = Assert.Throws<ArgumentOutOfRangeException>(() => new RepetitionPenalty(value));

            Assert.StartsWith(FormattableString.Invariant($"penalty is {value}; it must be more than 0 and finite, since logits are divided and multiplied by it; 1 turns it off. (Parameter 'penalty')"), fault.Message, StringComparison.Ordinal);
        }
    }
}
