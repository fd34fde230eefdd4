using Deepseek.Inference.Chat;
using Deepseek.Inference.Tests.Checkpoints;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace Deepseek.Inference.Tests.Chat.Hosting;

public sealed class HostingTests
{
    private static readonly ChatOptions Short = new() { Temperature = 0, MaxOutputTokens = 4 };

    [Fact]
    public async Task AddDeepseekChatClient_Application_ServesAndStops()
    {
        using var host = Application(services => services.AddDeepseekChatClient(options => options.ModelPath = TestPaths.Nano));
        await host.StartAsync();
        var client = host.Services.GetRequiredService<IChatClient>();

        var response = await client.GetResponseAsync("What is 8 + 5?", Short);

        Assert.NotEmpty(response.Messages);
        Assert.Same(client, host.Services.GetRequiredService<DeepseekChatClient>());
        Assert.Equal(DeepseekModelState.Ready, host.Services.GetRequiredService<DeepseekModelHost>().State);
        await host.StopAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => client.GetResponseAsync("What is 8 + 5?", Short));
    }

    [Fact]
    public async Task AddKeyedDeepseekChatClient_TwoModels_LieSideBySide()
    {
        using var host = Application(services => services
            .AddKeyedDeepseekChatClient("small", options => (options.ModelPath, options.ModelId) = (TestPaths.Nano, "one"))
            .AddKeyedDeepseekChatClient("other", options => (options.ModelPath, options.ModelId, options.LoadAtStart) = (TestPaths.Nano, "two", false)));
        await host.StartAsync();

        var (one, two) = (host.Services.GetRequiredKeyedService<IChatClient>("small"), host.Services.GetRequiredKeyedService<IChatClient>("other"));

        Assert.Equal("one", (await one.GetResponseAsync("Hello", Short)).ModelId);
        Assert.Equal(DeepseekModelState.Unloaded, two.GetService<DeepseekModelHost>()!.State);
        Assert.Equal("two", (await two.GetResponseAsync("Hello", Short)).ModelId);
        Assert.Null(host.Services.GetService<IChatClient>());
    }

    [Fact]
    public async Task AddDeepseekChatClient_Configuration_IsBound()
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Model:ModelPath"] = TestPaths.Nano,
            ["Model:ModelId"] = "bound",
            ["Model:MaxConversations"] = "7",
            ["Model:Model:Threads"] = "1",
            ["Model:Model:Memory:ContextTokens"] = "512",
            ["Model:Batching:MaxBatch"] = "3",
        }).Build();
        using var host = Application(services => services.AddDeepseekChatClient(configuration.GetSection("Model")));

        var options = host.Services.GetRequiredService<IOptions<DeepseekOptions>>().Value;

        Assert.Equal(("bound", 7, 1, 512, 3), (options.ModelId!, options.MaxConversations, options.Model.Threads!.Value, options.Model.Memory.ContextTokens!.Value, options.Batching.MaxBatch));
        await host.StartAsync();
        Assert.Equal("bound", (await host.Services.GetRequiredService<IChatClient>().GetResponseAsync("Hello", Short)).ModelId);
    }

    [Fact]
    public async Task AddDeepseekChatClient_FaultyOptions_AreRefusedAtStart()
    {
        using var host = Application(services => services.AddDeepseekChatClient(options =>
        {
            (options.ModelPath, options.ModelId, options.MaxConversations) = ("", " ", 0);
            (options.Model, options.Batching) = (options.Model with { Threads = 0 }, options.Batching with { MaxBatch = 0 });
        }));

        var fault = await Assert.ThrowsAsync<OptionsValidationException>(() => host.StartAsync());

        Assert.Equal(
            ["ModelPath is empty; it must be the folder of a model.", "ModelId is empty; leave it out for the folder's name.", "MaxConversations is 0; it must be at least 1.", "ModelOptions: Threads is 0; it must be 1 to 256.", "BatchingOptions: MaxBatch is 0; it must be 1 to 1024."],
            fault.Failures);
    }

    [Fact]
    public async Task Service_UnloadedLoadedAndDisposed_IsThereInBetween()
    {
        var host = new DeepseekModelHost(new() { ModelPath = TestPaths.Nano });
        Assert.Null(host.Service);

        var service = await host.GetAsync();

        Assert.Same(service, host.Service);
        await host.DisposeAsync();
        Assert.Null(host.Service);
    }

    [Fact]
    public void Constructor_FaultyOptions_AreNamed()
    {
        Assert.StartsWith(
            "DeepseekOptions: ModelPath is nowhere; there is no such folder. Model is null; leave it out for the defaults.",
            Assert.Throws<ArgumentException>(() => new DeepseekModelHost(new() { ModelPath = "nowhere", Model = null! })).Message);
    }

    [Fact]
    public async Task AddDeepseek_HealthCheck_TellsHowFarTheModelIs()
    {
        using var empty = new TemporaryFolder();
        using var host = Application(services =>
        {
            services.AddDeepseekChatClient(options => (options.ModelPath, options.LoadAtStart) = (TestPaths.Nano, false));
            services.AddKeyedDeepseekChatClient("broken", options => (options.ModelPath, options.LoadAtStart) = (empty.Path, false));
            services.AddHealthChecks().AddDeepseek().AddDeepseek("broken", "broken");
        });
        var checks = host.Services.GetRequiredService<HealthCheckService>();

        var before = await checks.CheckHealthAsync();
        await host.Services.GetRequiredService<DeepseekModelHost>().GetAsync();
        await Assert.ThrowsAnyAsync<Exception>(() => host.Services.GetRequiredKeyedService<DeepseekModelHost>("broken").GetAsync());
        var after = await checks.CheckHealthAsync();

        Assert.Equal((HealthStatus.Degraded, "deepseek-nano is loaded when it is first asked."), (before.Entries["deepseek"].Status, before.Entries["deepseek"].Description!));
        Assert.Equal((HealthStatus.Healthy, "deepseek-nano answers."), (after.Entries["deepseek"].Status, after.Entries["deepseek"].Description!));
        Assert.Equal(HealthStatus.Unhealthy, after.Entries["broken"].Status);
        Assert.Contains("could not be loaded:", after.Entries["broken"].Description);
    }

    private static IHost Application(Action<IServiceCollection> configure)
    {
        var builder = Host.CreateEmptyApplicationBuilder(null);
        configure(builder.Services);
        return builder.Build();
    }
}
