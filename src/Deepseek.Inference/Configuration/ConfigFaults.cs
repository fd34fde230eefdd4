using Deepseek.Inference.Diagnostics;

namespace Deepseek.Inference.Configuration;

/// <summary>Collects what is wrong with a configuration, so that one exception reports all of it.</summary>
internal sealed class ConfigFaults(string file)
{
    private readonly List<string> _keys = [];
    private readonly List<string> _reasons = [];

    /// <summary>Whether nothing is wrong so far; relations between values are only worth checking then.</summary>
    internal bool None => _keys.Count == 0;

    /// <summary>Whether a fault of this key was recorded.</summary>
    internal bool Has(string key) => _keys.Contains(key);

    /// <summary>Records a fault of one key.</summary>
    internal void Add(string key, string reason)
    {
        if (!_keys.Contains(key))
            _keys.Add(key);
        _reasons.Add(reason);
    }

    /// <summary>Throws if anything was recorded.</summary>
    internal void ThrowIfAny()
    {
        if (!None)
            throw new CheckpointFormatException(file, string.Join(", ", _keys), string.Join(" ", _reasons));
    }
}
