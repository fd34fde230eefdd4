using System.Text.Json;
using Deepseek.Inference.Server.Replies;

namespace Deepseek.Inference.Server.Endpoints;

/// <summary><c>GET /v1/models</c> and <c>/v1/models/{id}</c>.</summary>
internal sealed class ModelEndpoint(ServedModel model)
{
    public Task ListAsync(HttpContext http, CancellationToken cancellationToken) => JsonReply.WriteAsync(http.Response, StatusCodes.Status200OK, json =>
    {
        json.WriteString("object", "list");
        json.WriteStartArray("data");
        json.WriteStartObject();
        Write(json);
        json.WriteEndObject();
        json.WriteEndArray();
    }, cancellationToken);

    public Task OneAsync(HttpContext http, CancellationToken cancellationToken)
    {
        model.RequireModel(Uri.UnescapeDataString(http.Request.RouteValues["id"] as string ?? ""), null); // an id may hold a slash, escaped or not
        return JsonReply.WriteAsync(http.Response, StatusCodes.Status200OK, Write, cancellationToken);
    }

    private void Write(Utf8JsonWriter json)
    {
        json.WriteString("id", model.Host.ModelId);
        json.WriteString("object", "model");
        json.WriteNumber("created", model.Created);
        json.WriteString("owned_by", "deepseek");
    }
}
