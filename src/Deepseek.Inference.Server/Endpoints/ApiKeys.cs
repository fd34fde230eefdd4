using System.Security.Cryptography;
using System.Text;
using Deepseek.Inference.Server.Requests;

namespace Deepseek.Inference.Server.Endpoints;

/// <summary>Checks the key that a request brings.</summary>
/// <remarks>Hashes of one length are compared, all of them and to the end: how long a check takes tells nothing of a key.</remarks>
internal sealed class ApiKeys(IEnumerable<string> keys)
{
    private const string Scheme = "Bearer ";

    private readonly byte[][] _hashes = [.. keys.Select(Hash)];

    /// <exception cref="ApiException">The key is missing or wrong.</exception>
    public void Require(HttpRequest request)
    {
        if (_hashes.Length == 0)
            return;
        var header = request.Headers.Authorization.ToString();
        if (!header.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase))
            throw ApiException.Unauthorized("The request has no API key; send the header \"Authorization: Bearer KEY\".");
        var hash = Hash(header[Scheme.Length..].Trim());
        var known = false;
        foreach (var key in _hashes)
            known |= CryptographicOperations.FixedTimeEquals(hash, key);
        if (!known)
            throw ApiException.Unauthorized("The API key is not one of this server's. Ask whoever runs it for one.");
    }

    private static byte[] Hash(string key) => SHA256.HashData(Encoding.UTF8.GetBytes(key));
}
