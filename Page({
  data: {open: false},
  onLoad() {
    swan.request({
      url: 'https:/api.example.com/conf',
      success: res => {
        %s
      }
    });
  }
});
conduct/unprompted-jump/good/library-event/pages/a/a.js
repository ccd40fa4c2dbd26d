Page({
  open() {
    wx.navigateToMiniProgram({appId: 'wx0000000000000002'});
  }
});
