namespace Deepseek.Inference.Server;

/// <summary>How requests are received.</summary>
public sealed record DeepseekServerOptions
{
    /// <summary>Keys of which a request must bring one (<c>Authorization: Bearer KEY</c>); with none (the default) everyone is served. <c>/health</c> needs no key.</summary>
    public IReadOnlyList<string> ApiKeys { get; init; } = [];

    /// <summary>Bytes of a request's body at most, 1,024 to 1,073,741,824. Default 4 MiB.</summary>
    public long MaxBodyBytes { get; init; } = 4L << 20;

    /// <summary>How long a request may take from its arrival to its last token, more than 0; null (the default) for as long as it needs.</summary>
    public TimeSpan? RequestTimeout { get; init; }

    /// <summary>Replies to one prompt at most (<c>n</c>), 1 to 128. Default 16.</summary>
    public int MaxChoices { get; init; } = 16;

    /// <summary>Prompts of one request to <c>/v1/completions</c> at most, 1 to 1,024. Default 64.</summary>
    public int MaxPrompts { get; init; } = 64;

    /// <summary>Reports every fault at once.</summary>
    /// <exception cref="ArgumentException">A setting is out of range; the message names each one, its value and its range.</exception>
    public void Validate()
    {
        List<string> faults = [];
        if (ApiKeys is null)
            faults.Add($"{nameof(ApiKeys)} is null; leave it out for none.");
        for (var i = 0; i < (ApiKeys?.Count ?? 0); i++)
        {
            // The key itself is a secret: it stands in no message.
            if (string.IsNullOrWhiteSpace(ApiKeys![i]))
                faults.Add($"{nameof(ApiKeys)}[{i}] is {(ApiKeys[i] is null ? "null" : "empty")}; it must have at least one character, since an empty key protects nothing.");
            else if (ApiKeys[i].Any(character => character is <= ' ' or > '~'))
                faults.Add($"{nameof(ApiKeys)}[{i}] has a character that a header cannot carry; it must be of printable ASCII without spaces.");
        }

        if (MaxBodyBytes is < 1024 or > 1L << 30)
            faults.Add($"{nameof(MaxBodyBytes)} is {MaxBodyBytes}; it must be 1024 to {1L << 30}.");
        if (RequestTimeout is { } timeout && (timeout <= TimeSpan.Zero || timeout.TotalMilliseconds > int.MaxValue))
            faults.Add($"{nameof(RequestTimeout)} is {timeout}; it must be more than 0 and at most 24 days, or null for no limit.");
        if (MaxChoices is < 1 or > 128)
            faults.Add($"{nameof(MaxChoices)} is {MaxChoices}; it must be 1 to 128.");
        if (MaxPrompts is < 1 or > 1024)
            faults.Add($"{nameof(MaxPrompts)} is {MaxPrompts}; it must be 1 to 1024.");
        if (faults.Count > 0)
            throw new ArgumentException($"{nameof(DeepseekServerOptions)}: {string.Join(" ", faults)}");
    }
}
