// SPDX-License-Identifier: Apache-2.0
// NFS procedures in the order in which the kernel counts them.

const words = (text: string): readonly string[] => text.split(' ');

/** Version 2, client and server. */
export const version2Methods = words(
  'Null GetAttr SetAttr Root Lookup ReadLink Read WrCache Write Create Remove Rename Link SymLink MkDir RmDir ' +
    'ReadDir FsStat',
);
/** Version 3, client and server. */
export const version3Methods = words(
  'Null GetAttr SetAttr Lookup Access ReadLink Read Write Create MkDir SymLink MkNod Remove RmDir Rename Link ' +
    'ReadDir ReadDirPlus FsStat FsInfo PathConf Commit',
);
/** Version 4, client. */
export const version4ClientMethods = words(
  'Null Read Write Commit Open OpenConfirm OpenNoattr OpenDowngrade Close Setattr FsInfo Renew SetClientID ' +
    'SetClientIDConfirm Lock Lockt Locku Access Getattr Lookup LookupRoot Remove Rename Link Symlink Create ' +
    'Pathconf StatFs ReadLink ReadDir ServerCaps DelegReturn GetACL SetACL FsLocations ReleaseLockowner Secinfo ' +
    'FsidPresent ExchangeID CreateSession DestroySession Sequence GetLeaseTime ReclaimComplete GetDeviceInfo ' +
    'LayoutGet LayoutCommit LayoutReturn SecinfoNoName TestStateID FreeStateID GetDeviceList BindConnToSession ' +
    'DestroyClientID Seek Allocate DeAllocate LayoutStats Clone',
);
/** Version 4 operations, server; a dash is one that upstream does not export. */
export const version4ServerOperations = words(
  '- - - Access Close Commit Create DelegPurge DelegReturn GetAttr GetFH Link Lock Lockt Locku Lookup ' +
    'LookupRoot Nverify Open OpenAttr OpenConfirm OpenDgrd PutFH - - Read ReadDir ReadLink Remove Rename Renew ' +
    'RestoreFH SaveFH SecInfo SetAttr SetClientID SetClientIDConfirm Verify Write RelLockOwner',
);
