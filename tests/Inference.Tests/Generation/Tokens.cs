using Deepseek.Inference.Generation;

namespace Deepseek.Inference.Tests.Generation;

/// <summary>Collects generated tokens.</summary>
internal static class Tokens
{
    public static int[] Ids(List<TokenResult> tokens) => [.. tokens.Select(token => token.Id)];

    public static async Task<List<TokenResult>> Collect(IAsyncEnumerable<TokenResult> tokens)
    {
        List<TokenResult> all = [];
        await foreach (var token in tokens)
            all.Add(token);
        return all;
    }

    public static async Task<List<TokenResult>[]> CollectBatch(IAsyncEnumerable<BatchTokenResult> tokens, int sequences)
    {
        var all = Enumerable.Range(0, sequences).Select(_ => new List<TokenResult>()).ToArray();
        await foreach (var (index, token) in tokens)
            all[index].Add(token);
        return all;
    }
}
