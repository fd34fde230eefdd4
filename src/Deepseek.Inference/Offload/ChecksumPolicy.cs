namespace Deepseek.Inference.Offload;

/// <summary>When the checksum of an expert's page is compared with the store's.</summary>
public enum ChecksumPolicy
{
    /// <summary>When a page is first read.</summary>
    First,

    /// <summary>Whenever it is read.</summary>
    Always,

    /// <summary>Never.</summary>
    Never,
}
