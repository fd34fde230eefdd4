using Deepseek.Inference.Chat;
using Deepseek.Inference.Server.Endpoints;
using Deepseek.Inference.Server.Requests;

namespace Deepseek.Inference.Server;

/// <summary>Offers a model over HTTP as OpenAI's API does.</summary>
public static class DeepseekEndpointRouteBuilderExtensions
{
    /// <summary>Maps <c>/v1/chat/completions</c>, <c>/v1/completions</c>, <c>/v1/models</c>, <c>/health</c>, <c>/metrics</c> and <c>/stats</c>.</summary>
    /// <param name="endpoints">The application.</param>
    /// <param name="options">How requests are received; null for the defaults.</param>
    /// <param name="key">The key under which the model was added; null for the one without.</param>
    /// <returns>What further conventions, such as CORS or authorization, are added to.</returns>
    /// <exception cref="ArgumentException">The options are at fault; all faults are named.</exception>
    /// <exception cref="InvalidOperationException">No model was added to the services under the key.</exception>
    /// <example>
    /// <code>
    /// builder.Services.AddDeepseekChatClient(options => options.ModelPath = "./DeepSeek-V2-Lite");
    /// var app = builder.Build();
    /// app.MapDeepseekOpenAI(new DeepseekServerOptions { ApiKeys = [key] });
    /// </code>
    /// </example>
    public static IEndpointConventionBuilder MapDeepseekOpenAI(this IEndpointRouteBuilder endpoints, DeepseekServerOptions? options = null, object? key = null)
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        options ??= new DeepseekServerOptions();
        options.Validate();
        var services = endpoints.ServiceProvider;
        var host = services.GetKeyedService<DeepseekModelHost>(key)
            ?? throw new InvalidOperationException($"No model was added{(key is null ? "" : $" under the key '{key}'")}; call {(key is null ? "services.AddDeepseekChatClient(…)" : "services.AddKeyedDeepseekChatClient(key, …)")} before.");

        var clock = services.GetService<TimeProvider>() ?? TimeProvider.System;
        var log = services.GetRequiredService<ILoggerFactory>().CreateLogger("Deepseek.Inference.Server");
        var endpoint = new Endpoints.Endpoint(options, clock, log);
        var model = new ServedModel(host, options, clock, log);
        var (stats, metrics) = (new StatsEndpoint(host, clock), new MetricsEndpoint());
        services.GetService<IHostApplicationLifetime>()?.ApplicationStopped.Register(() =>
        {
            stats.Dispose();
            metrics.Dispose();
        });

        var models = new ModelEndpoint(model);
        var group = endpoints.MapGroup("");
        group.Map("/v1/chat/completions", endpoint.Of(HttpMethods.Post, new ChatEndpoint(model).HandleAsync));
        group.Map("/v1/completions", endpoint.Of(HttpMethods.Post, new CompletionEndpoint(model).HandleAsync));
        group.Map("/v1/models", endpoint.Of(HttpMethods.Get, models.ListAsync));
        group.Map("/v1/models/{**id}", endpoint.Of(HttpMethods.Get, models.OneAsync));
        group.Map("/health", endpoint.Of(HttpMethods.Get, new HealthEndpoint(host).HandleAsync, open: true));
        group.Map("/stats", endpoint.Of(HttpMethods.Get, stats.HandleAsync));
        group.Map("/metrics", endpoint.Of(HttpMethods.Get, metrics.HandleAsync));
        group.Map("/v1/{**path}", endpoint.Of(null, (http, _) => throw ApiException.NotFound($"There is nothing at {http.Request.Path}. Chats are at /v1/chat/completions, texts at /v1/completions, the model's id at /v1/models.")));
        return group;
    }
}
