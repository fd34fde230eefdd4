using Deepseek.Inference.Sampling;

namespace Deepseek.Inference.Tests.Sampling;

public sealed class LogitRowTests
{
    // Around the widths of vectors (4, 8, 16 floats) and ragged ends.
    public static TheoryData<int> Lengths => [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 100];

    [Theory, MemberData(nameof(Lengths))]
    public void Maximum_AtEveryPlace_IsFound(int length)
    {
        for (var place = 0; place < length; place++)
        {
            var row = new float[length];
            Array.Fill(row, -5f);
            row[place] = -2f;

            Assert.Equal(-2f, LogitRow.Maximum(row));
        }
    }

    [Theory, MemberData(nameof(Lengths))]
    public void Maximum_NaNAtAnyPlace_IsNaN(int length)
    {
        for (var place = 0; place < length; place++)
        {
            var row = new float[length];
            row[place] = float.NaN;

            Assert.True(float.IsNaN(LogitRow.Maximum(row)));
        }
    }

    [Fact]
    public void Maximum_EmptyOrAllRemoved_IsNegativeInfinity()
    {
        Assert.Equal(Rows.Removed, LogitRow.Maximum([]));
        Assert.Equal(Rows.Removed, LogitRow.Maximum([Rows.Removed, Rows.Removed]));
    }
}
