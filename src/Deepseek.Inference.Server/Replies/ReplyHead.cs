using System.Text.Json;

namespace Deepseek.Inference.Server.Replies;

/// <summary>What all parts of a response have in common.</summary>
/// <param name="Id">The response's id.</param>
/// <param name="Created">When it was begun, in seconds since 1970.</param>
/// <param name="Model">The model.</param>
/// <param name="Fingerprint">What decides replies beside the request: the model and the library's version.</param>
internal sealed record ReplyHead(string Id, long Created, string Model, string Fingerprint)
{
    public void Write(Utf8JsonWriter json, string kind)
    {
        json.WriteString("id", Id);
        json.WriteString("object", kind);
        json.WriteNumber("created", Created);
        json.WriteString("model", Model);
        json.WriteString("system_fingerprint", Fingerprint);
    }
}
