namespace Deepseek.Inference.Chat;

/// <summary>How far a hosted model has come.</summary>
public enum DeepseekModelState
{
    /// <summary>Nobody has asked for it yet.</summary>
    Unloaded,

    /// <summary>Its weights are being read.</summary>
    Loading,

    /// <summary>It answers.</summary>
    Ready,

    /// <summary>It could not be loaded; <see cref="DeepseekModelHost.Fault"/> says why.</summary>
    Failed,
}
