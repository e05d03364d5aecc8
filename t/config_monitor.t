# "httpd -t" and what concerns the monitor: Telegram, look-ups, state.
use strict;
use warnings;

use Test::More;

use ConfigTest;
use VpsHttpd;

my $secret = $SECRET;
my $token = "110201543:$secret";

# Telegram's switch and what it needs, as directives and as variables.
my %telegram = (VPNSentinelTelegramToken => $token, VPNSentinelTelegramChatID => '-1001234567890');
my %telegram_env =
    (VPN_SENTINEL_TELEGRAM_TOKEN => $token, VPN_SENTINEL_TELEGRAM_CHAT_ID => '-1001234567890');
my %telegram_alias = (TELEGRAM_BOT_TOKEN => $token, TELEGRAM_CHAT_ID => '-1001234567890');

sub lines {
    my (%directive) = @_;
    return join "\n", map { "$_ $directive{$_}" } sort keys %directive;
}

subtest 'Telegram on, off, auto' => sub {
    my $directive = 'VPNSentinelTelegram';
    my $variable = 'VPN_SENTINEL_TELEGRAM_ENABLED';
    my $allowed = qr/must be on, off, auto, true, false, yes, no, 1 or 0\b/;
    my @on = qw(on ON true yes 1);
    my @not_on = qw(off Off false no 0 auto AUTO);
    my @bad = qw(maybe 2 autos enabled);
    my $both = lines(%telegram);
    is_allowed("$directive $_\n$both", name => "$directive $_") for @on, @not_on;
    is_allowed("$directive $_", name => "$directive $_, no token and no chat") for @not_on;
    is_refused("$directive $_", "$directive: '$_' is not allowed: ", $allowed) for @bad;
    is_refused("$directive$_", $directive, qr/takes one argument/) for '', ' ""', ' on off';
    is_allowed('', env => { %telegram_env, $variable => $_ }, name => "$variable=$_")
        for @on, @not_on, '';
    is_refused('', "$variable: '$_' is not allowed: ", $allowed, env => { $variable => $_ },
        name => "$variable=$_") for @bad, ' ';
    is_allowed("$directive off", env => { $variable => $_ }, name => "off in place of $variable=$_")
        for 'on', 'wrong';

    my $is_on = "$directive (or $variable) is on, but ";
    my $no_token = qr/no token is set: ${directive}TokenFile, ${directive}Token or /;
    my $no_chat = qr/no chat is set: ${directive}ChatID or VPN_SENTINEL_TELEGRAM_CHAT_ID/;
    is_refused("$directive on", $is_on, $no_token, name => 'on without both');
    is_refused("$directive on\n${directive}ChatID 1", $is_on, $no_token, name => 'on, no token');
    is_refused("$directive on\n${directive}Token $token", $is_on, $no_chat,
        name => 'on, no chat');
    is_refused('', $is_on, $no_token, env => { $variable => 'on' }, name => "$variable=on alone");
    is_refused('', $is_on, $no_chat, env => { $variable => 'on', TELEGRAM_BOT_TOKEN => $token },
        name => "$variable=on, no chat");
    is_allowed("$directive on\n${directive}Token $token", env => { TELEGRAM_CHAT_ID => 1 },
        name => 'token and chat from different places');
    is_allowed('', env => \%telegram_alias, name => 'the names of the released server');
    is_allowed('', env => { TELEGRAM_BOT_TOKEN => $token }, name => 'one of them');
};

subtest 'token and chat' => sub {
    my %rows = (
        VPNSentinelTelegramToken => {
            good => [ $token, '1:a', '1:A-_9' ],
            bad => [ "x$secret", "$secret:1", "110201543:$secret/x", "110201543:", ":$secret",
                "110201543:$secret:1", "bot110201543:$secret", '1:' . $secret x 100 ],
            allowed => qr/must be (?:a bot's token|1 to 256 visible) /,
            variable => 'VPN_SENTINEL_TELEGRAM_TOKEN',
            alias => 'TELEGRAM_BOT_TOKEN',
        },
        VPNSentinelTelegramChatID => {
            good => [qw(1 -1001234567890 9223372036854775807 @a_channel)],
            bad => [ $secret, $token, qw(0 -0 007 +1 1.5 @ @a-b 9223372036854775808 12x -),
                '@' . 'x' x 256 ],
            allowed => qr/must be (?:the number of a chat, or \@|1 to 256 visible) /,
            variable => 'VPN_SENTINEL_TELEGRAM_CHAT_ID',
            alias => 'TELEGRAM_CHAT_ID',
        },
    );
    for my $directive (sort keys %rows) {
        my ($row, $is_not) = ($rows{$directive}, 'the value is not allowed: ');
        is_allowed("$directive $_") for @{ $row->{good} };
        is_refused("$directive $_", "$directive: $is_not", $row->{allowed}) for @{ $row->{bad} };
        is_refused("$directive$_", $directive, qr/takes one argument/) for '', ' ""', ' 1 2';
        for my $variable (@$row{qw(variable alias)}) {
            is_allowed('', env => { $variable => $_ }, name => "$variable=$_")
                for $row->{good}[0], '';
            is_refused('', "$variable: $is_not", $row->{allowed}, env => { $variable => $_ },
                name => "$variable=$_") for @{ $row->{bad} }[0, 1], ' ', "1\n";
        }
        my %both = ($row->{variable} => $row->{good}[0], $row->{alias} => 'wrong');
        is_allowed('', env => \%both, name => 'the documented name counts, not its alias');
    }
};

subtest 'token files' => sub {
    my $long = $secret . 'x' x 300;
    my %rows = (
        VPNSentinelTelegramTokenFile => [ $token, qr/must be a bot's token .* \(line 2 of / ],
        VPNSentinelIPInfoTokenFile =>
            [ "$secret-2", qr/must be 1 to 256 visible ASCII characters .* \(line 2 of / ],
    );
    for my $directive (sort keys %rows) {
        my ($good, $allowed) = @{ $rows{$directive} };
        my %good = (
            'alone' => $good,
            'after comments' => "# a\r\n\n \t# b\n  $good \r\n",
            'what follows' => "$good\n$secret is not read\n$long",
        );
        my %bad = (
            'two words' => [ "\n$secret two\n", $allowed ],
            'not ASCII' => [ "#\n$secret\x{c3}\x{bc}\n$good", $allowed ],
            'far too long' => [ $long x 10, qr{/token\b.* too long} ],
            'empty' => [ '', qr/the file is empty or has only comments/ ],
            'only comments' => [ "# $secret\n\n", qr/the file is empty or has only comments/ ],
        );
        is_allowed("$directive token", files => { token => $good{$_} }, name => "$directive: $_")
            for sort keys %good;
        for my $name (sort keys %bad) {
            my ($content, $message) = @{ $bad{$name} };
            is_refused("$directive token", "$directive: ", $message,
                files => { token => $content }, name => "$directive: $name");
        }
        is_refused("$directive missing", "$directive: cannot read ", qr{/missing: .*No such file});
        is_refused("$directive logs", "$directive: ", qr{/logs\b});
        is_refused("$directive$_", $directive, qr/takes one argument/) for '', ' ""';
    }
    my $variable = 'IPINFO_API_TOKEN';
    is_allowed('', env => { $variable => $_ }, name => "$variable=$_") for $secret, '';
    is_refused('', "$variable: the value is not allowed: ", qr/must be 1 to 256 visible ASCII/,
        env => { $variable => $_ }, name => $variable) for "$secret x", "$secret\n", 'x' x 257;
};

subtest 'URLs' => sub {
    my $base = qr/must be an http or https URL .* without user name, password, \? and #/;
    my @bad = ('example.org', 'ftp://example.org', 'http://', 'https://example.org?a',
        "https://$secret\@example.org", "https://user:$secret\@example.org", "socks5://example.org",
        "https://example.org/bot$token/?a", 'https://example.org:99999', 'https://a b',
        'https://' . 'x' x 505);
    my %variables = (
        VPNSentinelTelegramAPIBase => 'VPN_SENTINEL_TELEGRAM_API_BASE',
        VPNSentinelIPInfoURL => 'VPN_SENTINEL_IPINFO_URL',
        VPNSentinelIPAPIURL => 'VPN_SENTINEL_IPAPI_URL',
    );
    for my $directive (sort keys %variables) {
        my $variable = $variables{$directive};
        is_allowed("$directive $_") for 'https://example.org', 'HTTP://127.0.0.1:8081/a//',
            'http://[2001:db8::1]:80/';
        is_refused("$directive \"$_\"", "$directive: the value is not allowed: ", $base) for @bad;
        is_refused("$directive$_", $directive, qr/takes one argument/) for '', ' ""';
        is_allowed('', env => { $variable => $_ }, name => "$variable=$_")
            for 'http://127.0.0.1:8081', '';
        is_refused('', "$variable: the value is not allowed: ", $base, env => { $variable => $_ },
            name => "$variable=$_") for @bad[0, 4, 5], ' ';
    }
    my $proxy =
        qr{must be a URL .* http://, https://, socks4://, socks4a://, socks5:// or socks5h://};
    is_allowed("VPNSentinelProxy $_") for 'http://proxy.example:3128', 'https://proxy.example',
        'socks4://127.0.0.1', 'socks4a://proxy.example', 'socks5://[::1]:1080',
        'socks5h://user:word@proxy.example';
    is_refused("VPNSentinelProxy \"$_\"", 'VPNSentinelProxy: the value is not allowed: ', $proxy)
        for 'proxy.example:3128', 'none', "ftp://user:$secret\@proxy.example",
        "http://user:$secret\@", "http://user:$secret\@proxy.example:99999",
        "http://user:#$secret\@proxy.example";
};

subtest 'the state' => sub {
    my ($directive, $variable) = ('VPNSentinelStateDir', 'VPN_SENTINEL_STATE_DIR');
    my @good = qw(none NONE state a/b /nonexistent/state);
    is_allowed("$directive $_") for @good;
    is_refused("$directive$_", $directive, qr/takes one argument/) for '', ' ""', ' a b';
    is_allowed('', env => { $variable => $_ }, name => "$variable=$_") for @good, '';
};

subtest 'webhooks' => sub {
    my $directive = 'VPNSentinelWebhook';
    my $hook = "https://hooks.example.org/$secret";
    my %text = (key => 'a text of 16 char', base64 => "# of ours\n\nwhsec_MDEyMzQ1Njc4OWFiY2RlZg==", short => 'too short',
        bad => 'whsec_?', empty => "# nothing\n");
    my @file = (files => { map { $_ => "$text{$_}\n" } keys %text });
    my $is_not = "$directive: the value is not allowed: ";
    is_allowed("$directive $_") for $hook, "$hook?token=$secret", 'http://127.0.0.1:8080', 'http://[::1]/';
    is_allowed("$directive $hook $_", @file) for qw(key base64);
    is_allowed(join("\n", map { "$directive $hook/$_" } 1 .. 8), name => 'eight');
    is_refused(join("\n", map { "$directive $hook/$_" } 1 .. 9), $is_not, qr/there are 8 already/, name => 'nine');
    is_refused("$directive $hook\n$directive $hook", $is_not, qr/the same URL is there already/, name => 'one twice');
    is_refused("$directive \"$_\"", $is_not, qr/must be an http or https URL .* without user name, password and #/)
        for "ftp://hooks.example.org/$secret", 'hooks.example.org', "https://u:$secret\@hooks.example.org", "$hook#a";
    is_refused("$directive $hook short", $is_not, qr/at least 16 characters/, @file);
    is_refused("$directive $hook bad", $is_not, qr/base64 of at least 16 bytes/, @file);
    is_refused("$directive $hook empty", $directive, qr/the file is empty/, @file);
    is_refused("$directive $hook absent", "$directive: cannot read ", qr/absent: No such file/, @file);
    is_refused("$directive$_", $directive, qr/takes 1-2 arguments/) for '', ' ""', ' a b c';
    is_refused("<VirtualHost *:80>\n$directive $hook\n</VirtualHost>", $directive, qr/cannot occur within/,
        name => 'in a virtual host');
};

# What is told at the start of a server with Telegram as configured.
sub told {
    my ($lines, %env) = @_;
    my $httpd = VpsHttpd->start(
        conf => "VPNSentinelAPI\nVPNSentinelAPIKey $secret\nVPNSentinelLog none\n$lines\n",
        env => \%env,
    );
    $httpd->stop;
    $httpd->check_error_log;
    unlike($httpd->error_log, qr/\Q$secret/, 'no token is told');
    return scalar(() = $httpd->error_log =~ /:notice\].*VPNS0004: nothing is sent by Telegram/g);
}

subtest 'a token or a chat that is not used' => sub {
    is(told(lines(%telegram)), 1, 'both, and no switch: told once');
    is(told('', VPN_SENTINEL_TELEGRAM_TOKEN => $token), 1, 'a token, and no switch');
    is(told('VPNSentinelTelegram auto', VPN_SENTINEL_TELEGRAM_CHAT_ID => 1), 1, 'auto, no token');
    is(told('', TELEGRAM_CHAT_ID => 1), 1, 'an alias, no token');
    is(told("VPNSentinelTelegram off\n" . lines(%telegram)), 0, 'off: not told');
    is(told(''), 0, 'nothing: not told');
};

done_testing;
