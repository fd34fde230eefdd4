using Deepseek.Inference.Sampling;

namespace Deepseek.Inference.Tests.Sampling;

public sealed class LogitBiasTests
{
    [Fact]
    public void Process_HandWorkedRow_AddsAndBans()
    {
        var bias = new LogitBias(new Dictionary<int, float> { [3] = 5f, [0] = -1.5f, [1] = float.NegativeInfinity });

        Assert.Equal([-0.5f, Rows.Removed, 3f, Rows.Removed], Rows.Apply(bias, [1f, 2f, 3f, Rows.Removed]));
    }

    [Fact]
    public void Process_NoBiases_LeavesTheRow() => Assert.Equal([1f], Rows.Apply(new LogitBias(new Dictionary<int, float>()), [1f]));

    [Fact]
    public void Constructor_LaterChangesOfTheDictionary_AreNotSeen()
    {
        Dictionary<int, float> biases = new() { [0] = 1f };
        var bias = new LogitBias(biases);

        biases[0] = 100f;

        Assert.Equal([1f], Rows.Apply(bias, [0f]));
    }

    [Fact]
    public void Process_TokenOutsideTheVocabulary_NamesItAndTheRange()
    {
        var bias = new LogitBias(new Dictionary<int, float> { [2] = 1f, [0] = 1f });

        var fault = Assert.Throws<ArgumentException>(() => Rows.Apply(bias, [1f, 2f]));

        Assert.Equal("A logit bias names token 2; ids must be 0 to 1, since the row has 2 logits. (Parameter 'logits')", fault.Message);
    }

    [Fact]
    public void Constructor_BadEntries_NamesThemAll()
    {
        Dictionary<int, float> biases = new() { [5] = float.NaN, [-1] = 0f, [2] = float.PositiveInfinity, [3] = 1f };

        var fault = Assert.Throws<ArgumentException>(() => new LogitBias(biases));

        Assert.Equal(
            "biases names token -1; ids must be 0 or more. biases[2] is Infinity; it must be finite, or -Infinity to ban the token. "
            + "biases[5] is NaN; it must be finite, or -Infinity to ban the token. (Parameter 'biases')",
            fault.Message);
    }
}
