namespace Deepseek.Inference.Sampling;

/// <summary>A token and its score in one integer whose ascending order is the order of preference: greater score first, then lower id.</summary>
/// <remarks>Sorting and selecting integers needs no comparer, and no two keys of a row are equal, so every result is unique.</remarks>
internal static class RankedToken
{
    /// <summary>The key of a token; <paramref name="score"/> is not NaN.</summary>
    public static ulong Key(float score, int id)
    {
        // Adding 0 turns −0 into +0: the two are equal scores. Then the usual map of IEEE floats to ordered integers, reversed.
        var bits = BitConverter.SingleToUInt32Bits(score + 0f);
        var ascending = (bits & 0x8000_0000) != 0 ? ~bits : bits | 0x8000_0000;
        return ((ulong)~ascending << 32) | (uint)id;
    }

    /// <summary>The token of a key.</summary>
    public static int Id(ulong key) => unchecked((int)(uint)key);
}
