using System.Collections.Frozen;
using System.Reflection;
using System.Security.Cryptography;
using Microsoft.Net.Http.Headers;

namespace Deepseek.Inference.Server.Page;

/// <summary>The files of the page, which the assembly holds.</summary>
internal sealed class PageFiles
{
    private const string Prefix = "Page/";

    private readonly FrozenDictionary<string, PageFile> _files;

    public PageFiles()
    {
        var assembly = typeof(PageFiles).Assembly;
        _files = assembly.GetManifestResourceNames()
            .Where(name => name.StartsWith(Prefix, StringComparison.Ordinal))
            .ToFrozenDictionary(name => name[Prefix.Length..], name => Read(assembly, name), StringComparer.Ordinal);
    }

    /// <summary>The names of all.</summary>
    public IEnumerable<string> Names => _files.Keys;

    /// <summary>The file of a name; null where there is none.</summary>
    public PageFile? Find(string name) => _files.GetValueOrDefault(name);

    private static PageFile Read(Assembly assembly, string name)
    {
        using var stream = assembly.GetManifestResourceStream(name)!;
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        var type = Path.GetExtension(name) switch
        {
            ".html" => "text/html; charset=utf-8",
            ".css" => "text/css; charset=utf-8",
            ".js" => "text/javascript; charset=utf-8",
            ".svg" => "image/svg+xml",
            var other => throw new InvalidOperationException($"{name} is embedded as a file of the page; {other} has no content type yet, so add it here."),
        };
        return new PageFile(bytes, type, new EntityTagHeaderValue($"\"{Convert.ToHexStringLower(SHA256.HashData(bytes))[..16]}\""));
    }
}

/// <summary>A file of the page.</summary>
/// <param name="Bytes">What it holds.</param>
/// <param name="Type">Its content type.</param>
/// <param name="Tag">Changes with its bytes.</param>
internal sealed record PageFile(byte[] Bytes, string Type, EntityTagHeaderValue Tag);
