using Deepseek.Inference.Sampling;

namespace Deepseek.Inference.Tests.Sampling;

public sealed class MassPrefixTests
{
    public static TheoryData<int, string> Orders
    {
        get
        {
            TheoryData<int, string> data = [];
            foreach (var length in (int[])[1, 2, 31, 32, 33, 34, 100, 5000])
            {
                foreach (var order in (string[])["random", "ascending", "descending", "organ pipe", "equal"])
                    data.Add(length, order);
            }

            return data;
        }
    }

    [Theory, MemberData(nameof(Orders))]
    public void Move_AnyOrder_EqualsSorting(int length, string order)
    {
        // Weights that are small powers of two add exactly in any order, so the two ways must agree to the token.
        var random = new Random(length);
        var weights = Enumerable.Range(0, length).Select(_ => Math.ScaleB(1, -random.Next(8))).ToArray();
        var scores = Enumerable.Range(0, length).Select(i => order switch
        {
            "random" => random.Next(length / 2 + 1),
            "ascending" => i,
            "descending" => -i,
            "organ pipe" => Math.Min(i, length - i),
            _ => 1,
        }).ToArray();
        var sorted = scores.Select((score, id) => RankedToken.Key(score, id)).Order().ToArray();
        var total = weights.Sum();
        double[] masses = [.. ((double[])[0, 0.1, 0.5, 0.9, 0.999, 1, 1.5]).Select(share => share * total), .. ExactPrefixes(sorted, weights)];
        foreach (var mass in masses)
        {
            var keys = scores.Select((score, id) => RankedToken.Key(score, id)).ToArray();
            var (expected, sum) = (0, 0.0);
            while (expected < length && (expected == 0 || sum < mass))
                sum += weights[RankedToken.Id(sorted[expected++])];

            var actual = MassPrefix.Move(keys, weights, mass);

            Assert.Equal(expected, actual);
            Assert.Equal(sorted[..expected], keys[..actual].Order());
            Assert.Equal(sorted, keys.Order());
        }
    }

    [Fact]
    public void Move_NoKeys_KeepsNone() => Assert.Equal(0, MassPrefix.Move([], [], 0.5));

    // A mass that a prefix reaches exactly must not take one token more; a hundred of them meet every pivot of a short row.
    private static IEnumerable<double> ExactPrefixes(ulong[] sorted, double[] weights)
    {
        var sum = 0.0;
        foreach (var key in sorted.Take(100))
            yield return sum += weights[RankedToken.Id(key)];
    }
}
