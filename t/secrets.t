# Token, keys and passwords are nowhere to be read, whatever fails.
use strict;
use warnings;

use MIME::Base64 qw(encode_base64);
use Test::More;

use BotApi;
use Sentinel;
use StandIn;

my %SECRET = (
    'API key' => $Sentinel::KEY,
    'API key of a file' => 'k3y-0f-a-file',
    'Telegram token' => $BotApi::TOKEN,
    'half a token' => $BotApi::TOKEN =~ s/.*://r,
    'ipinfo token' => 'ipinf0-t0ken',
    'token of a webhook' => 'h00k-t0ken',
    'query of a webhook' => 'h00k-qu3ry',
    'secret of a webhook' => 'h00k-s3cret-of-20-ch',
    'password of the proxy' => 'pr0xy-p4ss',
    'the same for HTTP' => encode_base64('agent:pr0xy-p4ss', ''),
);

my $CONF = "VPNSentinelHealth\nVPNSentinelDashboard\nVPNSentinelAPIKeyFile keys\n"
    . "VPNSentinelServerPublicIP auto\nVPNSentinelIPInfoTokenFile ipinfo\n";

sub slurp {
    my ($path) = @_;
    open(my $file, '<:raw', $path) or return '';
    local $/;
    return <$file> // '';
}

# What can be read of a server by others, by name.
sub readable {
    my ($httpd) = @_;
    my %text = map { $_ => slurp($_) } glob $httpd->root . '/{logs,state,run}/*';
    $text{"names in $_"} = join ' ', glob $httpd->root . "/$_/*" for qw(logs state run);
    if ($httpd->pid) {
        $text{"command line of $_"} = slurp("/proc/$_/cmdline") . slurp("/proc/$_/comm")
            for $httpd->session($httpd->pid);
        $text{$_} = join ' ', %{ ($httpd->api('GET', $_))[2]{headers} },
            ($httpd->api('GET', $_))[2]{content}
            for qw(/status /events /clients /clients/office /nothing);
        $text{$_} = $httpd->request('GET', $_)->{content}
            for qw(/dashboard /health/ready /server-status);
    }
    return \%text;
}

sub has_no_secret {
    my ($text, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my @found;
    for my $where (sort keys %$text) {
        push @found, map { "$_ in $where" }
            grep { $text->{$where} =~ /\Q$SECRET{$_}\E/ } sort keys %SECRET;
    }
    is(join("\n", @found), '', $name);
}

# How the outside world is while the server is looked at.
my %WORLD = (
    well => sub { },
    refusing => sub { $_[0]->fail(401); $_[1]->misbehave(ipinfo => { status => 403 }) },
    echoing => sub {
        my ($bot, $world) = @_;
        $bot->fail(400, description => "Bad Request: no chat for $BotApi::TOKEN at " . $bot->url
                . "/bot$BotApi::TOKEN/sendMessage");
        $world->misbehave(ipinfo => { status => 403, body => "Unknown token $SECRET{'ipinfo token'}" });
    },
    broken => sub {
        $_[0]->misbehave(sendMessage => { garbage => 1 });
        $_[1]->misbehave($_ => { cut => 1 }) for qw(ipinfo ip-api);
    },
    away => sub { $_->leave for @_ },
);

for my $name (sort keys %WORLD) {
    for my $proxy (0, 1) {
        subtest "$name, " . ($proxy ? 'by a proxy' : 'directly') => sub {
            my ($bot, $world) = (BotApi->start, StandIn->start);
            $WORLD{$name}->($bot, $world);
            my $url = $bot->url =~ s{//}{//agent:pr0xy-p4ss\@}r;
            my $gate = $proxy ? "VPNSentinelProxy $url\n" : '';
            my $httpd = Sentinel->start(
                conf => $bot->conf . $CONF . $gate . 'VPNSentinelWebhook ' . $bot->url
                    . "/h00k-t0ken?k=h00k-qu3ry hook\nVPNSentinelIPInfoURL " . $world->url
                    . "\nVPNSentinelIPAPIURL " . $world->url . "\n<Location /server-status>\n"
                    . "SetHandler server-status\n</Location>\nExtendedStatus On\n",
                modules => ['status'],
                log_level => 'info vpnsentinel:trace8',
                files => { keys => "k3y-0f-a-file\n", ipinfo => "ipinf0-t0ken\n",
                    hook => "h00k-s3cret-of-20-ch\n" },
            );
            $httpd->keepalive({ client_id => 'office', public_ip => "203.0.113.$_" }) for 1, 2;
            $httpd->is_announced('office', 'connected ip_changed', 'it works');
            my $asked = sub {
                my (undef, $status) = $httpd->api('GET', '/status');
                return $name eq 'well' && !$proxy
                    ? $bot->messages >= 1 && $status->{server_public_ip}
                    : $status->{telegram}{last_error};
            };
            ok($httpd->wait_for($asked), 'the outside world was asked');
            if ($proxy && $name eq 'well') {
                my ($request) = $bot->requests('none');
                is($request->{header}{'proxy-authorization'}, "Basic $SECRET{'the same for HTTP'}",
                    'the proxy was told the password');
            }
            $httpd->graceful;
            has_no_secret(readable($httpd), 'while it runs');
            $httpd->stop;
            has_no_secret(readable($httpd), 'and behind it');
            $httpd->check_error_log(allow => [qr/VPNS006[035]: /]);
        };
    }
}

# What is wrong with a secret is said without it.
subtest 'configuration' => sub {
    my %wrong = (
        VPNSentinelTelegramToken => 's3cret-without-colon',
        VPNSentinelProxy => 'ftp://agent:s3cret@localhost',
        VPNSentinelAPIKey => '"s3cret with space"',
        VPNSentinelWebhook => 'ftp://hooks.example.org/s3cret',
    );
    for my $directive (sort keys %wrong) {
        my ($status, $text) = Sentinel->configtest(conf => "$directive $wrong{$directive}\n");
        isnt($status, 0, "$directive is checked");
        unlike($text, qr/s3cret/, '... and not repeated');
    }
    my %variable = (VPN_SENTINEL_TELEGRAM_TOKEN => 's3cret', IPINFO_API_TOKEN => 's3cret token',
        VPN_SENTINEL_API_KEY => 's3cret key');
    for my $name (sort keys %variable) {
        my ($status, $text) = VpsHttpd->configtest(
            conf => "VPNSentinelAPI\n",
            env => { $name => $variable{$name} },
        );
        isnt($status, 0, "$name is checked");
        unlike($text, qr/s3cret/, '... and not repeated');
    }
};

done_testing;
