using Deepseek.Inference.Chat.Hosting;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Deepseek.Inference.Chat;

/// <summary>Makes models services of an application.</summary>
/// <remarks>
/// Registered are, as singletons, <see cref="DeepseekModelHost"/>, <see cref="DeepseekChatClient"/> and <see cref="IChatClient"/>; keyed ones under their key. Options are checked when the application starts,
/// and the model is loaded in the background then (<see cref="DeepseekOptions.LoadAtStart"/>): requests that come earlier wait for it.
/// </remarks>
public static class DeepseekServiceCollectionExtensions
{
    /// <summary>Adds a model.</summary>
    /// <param name="services">The application's services.</param>
    /// <param name="configure">Sets <see cref="DeepseekOptions.ModelPath"/> and what else differs from the defaults.</param>
    /// <example>
    /// <code>
    /// builder.Services.AddDeepseekChatClient(options => options.ModelPath = "./DeepSeek-V2-Lite");
    /// </code>
    /// </example>
    public static IServiceCollection AddDeepseekChatClient(this IServiceCollection services, Action<DeepseekOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(configure);
        return Add(services, null, options => options.Configure(configure));
    }

    /// <summary>Adds a model that a section of the configuration describes.</summary>
    /// <param name="services">The application's services.</param>
    /// <param name="section">The section, with <c>ModelPath</c> and other properties of <see cref="DeepseekOptions"/>.</param>
    public static IServiceCollection AddDeepseekChatClient(this IServiceCollection services, IConfiguration section)
    {
        ArgumentNullException.ThrowIfNull(section);
        return Add(services, null, options => options.Bind(section));
    }

    /// <summary>Adds a model under a key, beside others.</summary>
    /// <param name="services">The application's services.</param>
    /// <param name="key">The key; its text names the options.</param>
    /// <param name="configure">Sets <see cref="DeepseekOptions.ModelPath"/> and what else differs from the defaults.</param>
    public static IServiceCollection AddKeyedDeepseekChatClient(this IServiceCollection services, object key, Action<DeepseekOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(key);
        ArgumentNullException.ThrowIfNull(configure);
        return Add(services, key, options => options.Configure(configure));
    }

    /// <summary>Adds a model that a section of the configuration describes, under a key.</summary>
    /// <param name="services">The application's services.</param>
    /// <param name="key">The key; its text names the options.</param>
    /// <param name="section">The section, with <c>ModelPath</c> and other properties of <see cref="DeepseekOptions"/>.</param>
    public static IServiceCollection AddKeyedDeepseekChatClient(this IServiceCollection services, object key, IConfiguration section)
    {
        ArgumentNullException.ThrowIfNull(key);
        ArgumentNullException.ThrowIfNull(section);
        return Add(services, key, options => options.Bind(section));
    }

    /// <summary>Adds a health check of a model: healthy once it answers, degraded while it is loaded, unhealthy where it could not be.</summary>
    /// <param name="builder">The application's health checks.</param>
    /// <param name="name">The check's name.</param>
    /// <param name="key">The model's key; null for the one without.</param>
    public static IHealthChecksBuilder AddDeepseek(this IHealthChecksBuilder builder, string name = "deepseek", object? key = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.Add(new(name, provider => new DeepseekHealthCheck(Host(provider, key)), failureStatus: null, tags: null));
    }

    private static IServiceCollection Add(IServiceCollection services, object? key, Action<OptionsBuilder<DeepseekOptions>> configure)
    {
        ArgumentNullException.ThrowIfNull(services);
        var name = key?.ToString() ?? Options.DefaultName;
        configure(services.AddOptions<DeepseekOptions>(name).ValidateOnStart());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<DeepseekOptions>, DeepseekOptionsValidator>());

        services.AddKeyedSingleton(key, (provider, _) => new DeepseekModelHost(
            provider.GetRequiredService<IOptionsMonitor<DeepseekOptions>>().Get(name), provider.GetService<ILogger<DeepseekModelHost>>()));
        services.AddKeyedSingleton(key, (provider, _) => new DeepseekChatClient(
            Host(provider, key), provider.GetRequiredService<IOptionsMonitor<DeepseekOptions>>().Get(name).MaxConversations));
        services.AddKeyedSingleton<IChatClient>(key, (provider, _) => provider.GetRequiredKeyedService<DeepseekChatClient>(key));
        return services.AddSingleton<IHostedService>(provider => new DeepseekModelLoading(
            Host(provider, key), provider.GetRequiredService<IOptionsMonitor<DeepseekOptions>>().Get(name).LoadAtStart));
    }

    private static DeepseekModelHost Host(IServiceProvider provider, object? key) => provider.GetRequiredKeyedService<DeepseekModelHost>(key);
}
