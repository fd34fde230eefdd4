namespace Deepseek.Inference.Docs.Tests.Support;

/// <summary>Findings of a rule over many files.</summary>
internal static class Faults
{
    /// <summary>Fails the test with every finding, one a line.</summary>
    public static void RequireNone(IEnumerable<string> findings)
    {
        var found = findings.ToList();
        Assert.True(found.Count == 0, string.Join('\n', found));
    }
}
