# What the user sees of a tunnel of OpenVPN, and of what befalls it.
use strict;
use warnings;

use Test::More;

use Lab;

BEGIN { Lab->enter }

use Lab::Scenarios;
use Lab::Stage;

my $stage = Lab::Stage->new;
$stage->play($_, 'openvpn') for @MAIN;
$stage->end;
done_testing;
